/** One of a few, all in sight. */
import { Label, Radio, RadioGroup } from 'react-aria-components';

interface Props<K extends string> {
  label: string;
  value: K;
  options: Readonly<Record<NoInfer<K>, string>>;
  onChange(value: NoInfer<K>): void;
}

export function Choice<K extends string>({ label, value, options, onChange }: Props<K>) {
  return (
    <RadioGroup value={value} onChange={(next) => onChange(next as K)} className="choice">
      <Label className="unseen">{label}</Label>
      {(Object.entries(options) as [K, string][]).map(([key, text]) => (
        <Radio key={key} value={key} className="option">
          {text}
        </Radio>
      ))}
    </RadioGroup>
  );
}
