import {Checkbox, FileInput, Select} from "@mantine/core";
import {IconFileUpload} from "@tabler/icons-react";
import {useState, type DragEvent} from "react";
import {Callout} from "../../parts/bits";
import {formatOf, traceBytesMax, type TraceFormat} from "../../pure/simulation";

export interface Trace {
  name: string;
  text: string;
  format: TraceFormat;
}

async function read(file: File): Promise<Trace> {
  const packed = /\.gz$/i.test(file.name);
  const stream = packed
    ? file.stream().pipeThrough(new DecompressionStream("gzip"))
    : file.stream();
  const text = await new Response(stream).text();
  return {name: file.name, text, format: formatOf(file.name, text)};
}

interface Props {
  trace: Trace | null;
  skipBadLines: boolean;
  set: (trace: Trace | null) => void;
  setSkip: (skip: boolean) => void;
}

/** The recorded workload: chosen by button and keyboard, or dropped. */
export function TraceFields({trace, skipBadLines, set, setSkip}: Props) {
  const [file, setFile] = useState<File | null>(null);
  const [fault, setFault] = useState("");
  const choose = async (chosen: File | null) => {
    setFile(chosen);
    setFault("");
    set(null);
    if (!chosen) return;
    try {
      const next = await read(chosen);
      if (new Blob([next.text]).size > traceBytesMax)
        setFault("It is larger than 4 MB as text. Cut a part out of it, or use the command line.");
      else set(next);
    } catch {
      setFault("It cannot be read. If its name ends in .gz, it must be packed with gzip.");
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void choose(event.dataTransfer.files[0] ?? null);
  };
  return (
    <section
      className="card stack"
      aria-label="Workload"
      onDragOver={(event) => event.preventDefault()}
      onDrop={drop}
    >
      <h2>Workload</h2>
      <FileInput
        label="Recorded workload"
        description="SWF, or a CSV of tasks as openb has them; packed with gzip or not. Choose it, or drop it here."
        placeholder="Choose a file"
        leftSection={<IconFileUpload size={18} />}
        value={file}
        onChange={(chosen) => void choose(chosen)}
        error={fault}
        clearable={file !== null}
        clearButtonProps={{"aria-label": "Choose no file"}}
      />
      {trace && (
        <Select
          label="Format"
          data={[
            {value: "swf", label: "Standard Workload Format (swf)"},
            {value: "openb", label: "Tasks of a GPU cluster (openb)"},
          ]}
          value={trace.format}
          onChange={(format) => format && set({...trace, format: format as TraceFormat})}
          allowDeselect={false}
        />
      )}
      <Checkbox
        label="Skip bad lines"
        description="Else the first of them ends the simulation"
        checked={skipBadLines}
        onChange={(event) => setSkip(event.currentTarget.checked)}
      />
      {!trace && !fault && (
        <Callout tone="info">
          <p>
            Nothing is made, nothing is kept, and nothing is paid: the autoscaler runs on a
            simulated cluster.
          </p>
        </Callout>
      )}
    </section>
  );
}
