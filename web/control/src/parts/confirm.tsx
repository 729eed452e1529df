import {Button, Checkbox, Modal} from "@mantine/core";
import {useState, type ReactNode} from "react";

interface Props {
  title: string;
  act: string;
  /** With it, the act is possible only once the box is ticked. */
  tick?: string;
  danger?: boolean;
  onDone: () => void;
  onClose: () => void;
  children: ReactNode;
}

export function Confirm({title, act, tick, danger, onDone, onClose, children}: Props) {
  const [ticked, setTicked] = useState(false);
  return (
    <Modal
      opened
      onClose={onClose}
      title={<strong>{title}</strong>}
      centered
      closeButtonProps={{"aria-label": "Close"}}
    >
      <div className="stack">
        <div className="stack tight">{children}</div>
        {tick && (
          <Checkbox
            label={tick}
            checked={ticked}
            onChange={(event) => setTicked(event.currentTarget.checked)}
          />
        )}
        <div className="row" style={{justifyContent: "flex-end"}}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            color={danger ? "red.8" : undefined}
            disabled={tick !== undefined && !ticked}
            onClick={() => {
              onDone();
              onClose();
            }}
          >
            {act}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
