import type { Device } from "../../realtime/types";

interface DeviceChoiceProps {
  readonly label: string;
  readonly device: string | null;
  readonly devices: readonly Device[];
  /** What a device is called that keeps its name to itself. */
  readonly unnamed: (number: number) => string;
  readonly onChoose: (id: string) => void;
}

/** Nothing where there is nothing to choose. */
export function DeviceChoice({ label, device, devices, unnamed, onChoose }: DeviceChoiceProps) {
  if (devices.length < 2) return null;
  return (
    <select
      className="device"
      aria-label={label}
      title={label}
      value={device ?? ""}
      onChange={(event) => onChoose(event.target.value)}
    >
      {devices.map(({ id, label: name }, index) => (
        <option key={id} value={id}>
          {name || unnamed(index + 1)}
        </option>
      ))}
    </select>
  );
}
