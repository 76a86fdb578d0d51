/** A line of text with its label, and what is wrong with it. */
import { FieldError, Input, Label, TextField, type TextFieldProps } from 'react-aria-components';

interface Props extends TextFieldProps {
  label: string;
  error?: string;
  isBig?: boolean;
  placeholder?: string;
  autoCapitalize?: 'none' | 'sentences';
}

export function Field({
  label,
  error = '',
  isBig = false,
  placeholder = '',
  autoCapitalize = 'sentences',
  isRequired = false,
  pattern,
  ...props
}: Props) {
  return (
    // What whoever answered does not like is said here, and does not keep anybody from trying again.
    <TextField {...props} isInvalid={error !== ''} validationBehavior="aria" className="field">
      <Label>{label}</Label>
      <Input
        className={isBig ? 'big' : ''}
        placeholder={placeholder}
        autoCapitalize={autoCapitalize}
        spellCheck="false"
        required={isRequired}
        {...(pattern !== undefined && { pattern })}
      />
      <FieldError className="error">{error}</FieldError>
    </TextField>
  );
}
