/** A button: `primary` for what the screen is for, `quiet` beside it, `plain` as text. */
import { Button as AriaButton, type ButtonProps } from 'react-aria-components';

interface Props extends ButtonProps {
  look?: 'primary' | 'quiet' | 'plain' | 'tinted';
  isWide?: boolean;
}

export function Button({ look = 'quiet', isWide = false, ...props }: Props) {
  return <AriaButton {...props} className={`button ${look}${isWide ? ' wide' : ''}`} />;
}
