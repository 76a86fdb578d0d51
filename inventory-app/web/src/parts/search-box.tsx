/** The field that a list is narrowed by. */
import type { ComponentProps } from 'react';
import { Icon } from '../frame/icon.tsx';

interface Props extends Omit<ComponentProps<'input'>, 'onChange'> {
  /** For those who do not see what stands in it. */
  label: string;
  onChange(text: string): void;
}

export function SearchBox({ label, placeholder = label, onChange, ...props }: Props) {
  return (
    <div className="search">
      <Icon name="search" />
      <input
        type="search"
        aria-label={label}
        placeholder={placeholder}
        autoComplete="off"
        spellCheck="false"
        onChange={({ target }) => onChange(target.value)}
        {...props}
      />
    </div>
  );
}
