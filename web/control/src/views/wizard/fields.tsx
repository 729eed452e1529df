import {Button, NumberInput, TextInput} from "@mantine/core";
import {IconSearch} from "@tabler/icons-react";
import {useId, useMemo, useState} from "react";
import type {Finding, Size} from "../../api/client";
import {Callout} from "../../parts/bits";
import {sentence} from "../../pure/draft";
import {memory, money, plural, priceWords} from "../../pure/words";

export function sizeWords(size: Size): string {
  const gpus = size.gpus > 0 ? ` · ${plural(size.gpus, "GPU")}` : "";
  return `${plural(size.vcpus, "vCPU")} · ${memory(size.memoryMb)}${gpus}`;
}

interface SizeProps {
  label: string;
  value: string;
  sizes: Size[];
  error?: string;
  startOpen?: boolean;
  onChange: (name: string) => void;
}

function SizeTable({label, value, sizes, onChange}: SizeProps) {
  const [search, setSearch] = useState("");
  const name = useId();
  const shown = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return sizes.filter((size) => {
      const text = `${size.name} ${size.family} ${sizeWords(size)}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [sizes, search]);
  const priced = sizes.some((size) => size.price);
  return (
    <div className="sizes">
      <TextInput
        aria-label={`Search: ${label}`}
        placeholder="Search by name, vCPU, memory or GPU"
        leftSection={<IconSearch size={16} />}
        value={search}
        onChange={(event) => setSearch(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && event.preventDefault()}
        variant="unstyled"
        style={{borderBottom: "1px solid var(--hop-line)"}}
      />
      <div className="scroll">
        <table className="list">
          <thead>
            <tr>
              <th scope="col">Instance type</th>
              <th scope="col" className="number">
                vCPU
              </th>
              <th scope="col" className="number">
                Memory
              </th>
              <th scope="col" className="number">
                GPU
              </th>
              {priced && (
                <th scope="col" className="number">
                  Per hour
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {shown.map((size) => (
              <tr
                key={size.name}
                data-chosen={size.name === value || undefined}
                data-off={size.unavailable || undefined}
              >
                <td>
                  <label>
                    <input
                      type="radio"
                      name={name}
                      checked={size.name === value}
                      disabled={size.unavailable !== ""}
                      onChange={() => onChange(size.name)}
                    />
                    <span>
                      {size.name}
                      {size.unavailable && <span className="small"> · {size.unavailable}</span>}
                    </span>
                  </label>
                </td>
                <td className="number">{size.vcpus}</td>
                <td className="number">{memory(size.memoryMb)}</td>
                <td className="number">{size.gpus || "–"}</td>
                {priced && (
                  <td className="number">
                    {size.price ? money(size.price.perHour, size.price.currency) : "–"}
                  </td>
                )}
              </tr>
            ))}
            {shown.length === 0 && (
              <tr>
                <td colSpan={5} className="dim">
                  No instance type matches.
                </td>
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}

function PriceNote({sizes}: {sizes: Size[]}) {
  const price = sizes.find((size) => size.price)?.price;
  return price ? <p className="small dim">{priceWords(price.origin, price.asOf)}</p> : null;
}

/** One line that says what is chosen, and a searchable table behind it. */
export function SizePicker(props: SizeProps) {
  const [open, setOpen] = useState(props.startOpen ?? false);
  const chosen = props.sizes.find((size) => size.name === props.value);
  return (
    <fieldset className="stack tight">
      <legend className="legend">{props.label}</legend>
      <div className="copy">
        <span>
          <strong>{props.value || "None chosen"}</strong>
          {chosen && <span className="dim"> · {sizeWords(chosen)}</span>}
        </span>
        <Button
          variant="default"
          size="xs"
          aria-expanded={open}
          aria-label={`${open ? "Close" : "Change"}: ${props.label}`}
          onClick={() => setOpen(!open)}
        >
          {open ? "Close" : "Change"}
        </Button>
      </div>
      {open && <SizeTable {...props} />}
      {open && <PriceNote sizes={props.sizes} />}
      {props.error && (
        <p className="small bad-text" role="alert">
          {props.error}
        </p>
      )}
    </fieldset>
  );
}

interface NumberProps {
  label: string;
  value: number;
  min: number;
  max?: number;
  suffix?: string;
  description?: string;
  error?: string;
  onChange: (value: number) => void;
}

export function WholeNumber({onChange, ...rest}: NumberProps) {
  return (
    <NumberInput
      {...rest}
      allowDecimal={false}
      allowNegative={false}
      clampBehavior="blur"
      onChange={(value) => typeof value === "number" && onChange(value)}
    />
  );
}

const weights = {
  blocking: {title: "Not possible as it is", tone: "bad"},
  warning: {title: "Please note", tone: "warn"},
  unchecked: {title: "Could not be checked", tone: "info"},
} as const;

export function Findings({findings}: {findings: readonly Finding[]}) {
  return (
    <>
      {findings.map((finding) => {
        const {title, tone} = weights[finding.weight];
        return (
          <Callout
            key={`${finding.code}${finding.field ?? ""}${finding.message}`}
            tone={tone}
            title={title}
          >
            <p>{sentence(finding.message)}</p>
            {finding.nextAction && <p>{sentence(finding.nextAction)}</p>}
          </Callout>
        );
      })}
    </>
  );
}
