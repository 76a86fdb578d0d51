/** A quantity, one more or one less at a time, or typed. */
import { Button, Group, Input, NumberField } from 'react-aria-components';
import { useWords } from '../words/language.tsx';

interface Props {
  label: string;
  value: number;
  least?: number;
  most?: number;
  onChange(value: number): void;
}

export function Stepper({ label, value, least = 1, most = 9_999, onChange }: Props) {
  const { common } = useWords();
  const change = (next: number) => onChange(Number.isNaN(next) ? least : next);
  return (
    <NumberField
      aria-label={label}
      value={value}
      minValue={least}
      maxValue={most}
      step={1}
      onChange={change}
      className="stepper"
    >
      <Group>
        <Button slot="decrement" aria-label={common.less} className="button quiet">
          −
        </Button>
        <Input />
        <Button slot="increment" aria-label={common.plus} className="button quiet">
          +
        </Button>
      </Group>
    </NumberField>
  );
}
