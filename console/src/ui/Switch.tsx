import { Switch as AriaSwitch } from "react-aria-components";

interface SwitchProps {
  readonly label: string;
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly code?: boolean;
}

export function Switch({ label, checked, onChange, code = false }: SwitchProps) {
  return (
    <AriaSwitch className="switch" isSelected={checked} onChange={onChange}>
      <span className="switch-track" aria-hidden="true" />
      {code ? <code>{label}</code> : <span>{label}</span>}
    </AriaSwitch>
  );
}
