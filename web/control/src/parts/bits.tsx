import {ActionIcon, Button, CopyButton, Skeleton, Tooltip} from "@mantine/core";
import {
  IconAlertCircle,
  IconAlertTriangle,
  IconCheck,
  IconCopy,
  IconInfoCircle,
  IconLock,
} from "@tabler/icons-react";
import {useEffect, useState, type ReactNode} from "react";
import {Problem, type CloudResource, type ClusterNode, type Fault, type Phase} from "../api/client";
import {sentence} from "../pure/draft";
import {phaseTone, phaseWords} from "../pure/words";

export function Title({children}: {children: string}) {
  useEffect(() => {
    document.title = children === "Hopyard" ? children : `${children} · Hopyard`;
  }, [children]);
  return null;
}

export function PhaseMark({phase}: {phase: Phase | ClusterNode["state"] | CloudResource["state"]}) {
  const words: string = (phaseWords as Record<string, string>)[phase] ?? phase;
  return (
    <span className={`phase ${phaseTone(phase)}`}>{words[0]!.toUpperCase() + words.slice(1)}</span>
  );
}

export function Copy({value, label}: {value: string; label: string}) {
  return (
    <CopyButton value={value}>
      {({copied, copy}) => (
        <Tooltip label={copied ? "Copied" : label}>
          <ActionIcon
            variant="subtle"
            color="gray"
            onClick={copy}
            aria-label={copied ? "Copied" : label}
          >
            {copied ? <IconCheck size={18} /> : <IconCopy size={18} />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  );
}

export function CopyLine({value, label, shown}: {value: string; label: string; shown?: string}) {
  return (
    <div className="copy">
      <span>{shown ?? value}</span>
      <Copy value={value} label={label} />
    </div>
  );
}

export function Source({text, label}: {text: string; label: string}) {
  return (
    <div className="stack tight">
      <pre className="source" tabIndex={0} aria-label={label}>
        {text}
      </pre>
      <CopyButton value={text}>
        {({copied, copy}) => (
          <Button
            variant="default"
            size="xs"
            onClick={copy}
            leftSection={copied ? <IconCheck size={16} /> : <IconCopy size={16} />}
            style={{justifySelf: "start"}}
          >
            {copied ? "Copied" : "Copy"}
          </Button>
        )}
      </CopyButton>
    </div>
  );
}

export function Empty({
  icon,
  title,
  children,
}: {
  icon: ReactNode;
  title: string;
  children: ReactNode;
}) {
  return (
    <section className="card empty">
      {icon}
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Locked({title, children}: {title: string; children: ReactNode}) {
  return (
    <div className="locked">
      <IconLock size={20} aria-hidden />
      <div>
        <strong>{title}</strong>
        <p className="dim">{children}</p>
      </div>
    </div>
  );
}

const owners: Record<string, string> = {
  administrator: "Your administrator can mend this.",
  cloud: "The cloud has to mend this.",
  hopyard: "This is Hopyard's own fault.",
};

const toneIcons = {bad: IconAlertTriangle, warn: IconAlertCircle, info: IconInfoCircle};

interface CalloutProps {
  tone: keyof typeof toneIcons;
  title?: string;
  children: ReactNode;
}

export function Callout({tone, title, children}: CalloutProps) {
  const Icon = toneIcons[tone];
  return (
    <div className={`callout ${tone}`} role={tone === "bad" ? "alert" : undefined}>
      <Icon size={20} aria-hidden />
      <div>
        {title && <strong>{title}</strong>}
        {children}
      </div>
    </div>
  );
}

export function FaultAlert({
  fault,
  title,
  children,
}: {
  fault: Fault | Problem;
  title: string;
  children?: ReactNode;
}) {
  return (
    <Callout tone="bad" title={title}>
      <p>{sentence(fault.message)}</p>
      {fault.nextAction && <p>{sentence(fault.nextAction)}</p>}
      {fault.owner && owners[fault.owner] && <p className="small">{owners[fault.owner]}</p>}
      {children}
    </Callout>
  );
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, "unknown", String(error));
}

export function LoadError({error, again}: {error: unknown; again: () => void}) {
  return (
    <FaultAlert fault={asProblem(error)} title="This could not be loaded">
      <Button variant="default" size="xs" onClick={again} style={{justifySelf: "start"}}>
        Try again
      </Button>
    </FaultAlert>
  );
}

interface Asked<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

/** A query's three states: loading, error, there. */
export function Loaded<T>({
  of,
  children,
  rows = 3,
}: {
  of: Asked<T>;
  children: (data: T) => ReactNode;
  rows?: number;
}) {
  if (of.data !== undefined) return <>{children(of.data)}</>;
  if (of.error) return <LoadError error={of.error} again={() => void of.refetch()} />;
  return (
    <div className="stack" aria-busy="true">
      <span className="visually-hidden" role="status">
        Loading
      </span>
      {Array.from({length: rows}, (_, row) => (
        <Skeleton key={row} height={row === 0 ? 28 : 72} radius="md" />
      ))}
    </div>
  );
}

/** The time, renewed each second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!running) return undefined;
    setNow(Date.now());
    const timer = window.setInterval(() => setNow(Date.now()), 1_000);
    return () => window.clearInterval(timer);
  }, [running]);
  return now;
}
