import {Button, SegmentedControl, Select} from "@mantine/core";
import {IconChartBar, IconDownload} from "@tabler/icons-react";
import {useState} from "react";
import type {UsageLine} from "../api/client";
import {useUsage} from "../api/queries";
import {Empty, Loaded, Title} from "../parts/bits";
import {Table} from "../parts/table";
import {
  axisTop,
  barsOf,
  costOf,
  daysOf,
  hours,
  lastDays,
  sumsOf,
  type Bar,
  type Measure,
} from "../pure/usage";
import {day, money, priceWords} from "../pure/words";

const spans = [7, 30, 90, 365].map((days) => ({
  value: String(days),
  label: `The last ${days} days`,
}));
const measureWords: Record<Measure, string> = {
  nodeHours: "Node hours",
  vcpuHours: "vCPU hours",
  cost: "List price",
};

interface Days {
  from: string;
  to: string;
}

/** A bar for each day. Whoever cannot see it has the table that comes with it. */
function Chart({bars, what, words}: {bars: Bar[]; what: string; words: (v: number) => string}) {
  const top = axisTop(Math.max(...bars.map((bar) => bar.value)));
  return (
    <figure className="chart">
      <div className="chart-body">
        <div className="chart-axis" aria-hidden>
          <span>{words(top)}</span>
          <span>0</span>
        </div>
        <svg
          role="img"
          aria-label={`${what} of each day; the table by day has the figures`}
          viewBox={`0 0 ${bars.length} 100`}
          preserveAspectRatio="none"
        >
          {bars.map(({day: date, value}, at) => (
            <rect
              key={date}
              x={at + 0.1}
              width={0.8}
              y={100 - (value / top) * 100}
              height={(value / top) * 100}
            >
              <title>{`${day(date)}: ${words(value)}`}</title>
            </rect>
          ))}
        </svg>
      </div>
      <figcaption className="chart-days small dim">
        <span>{day(bars[0]!.day)}</span>
        <span>{day(bars.at(-1)!.day)}</span>
      </figcaption>
    </figure>
  );
}

function ByDay({lines, from, to}: {lines: UsageLine[]} & Days) {
  const cost = costOf(lines);
  const [chosen, setChosen] = useState<Measure>("nodeHours");
  const measure = chosen === "cost" && !cost ? "nodeHours" : chosen;
  const bars = barsOf(lines, daysOf(from, to), measure);
  const words = (value: number) =>
    measure === "cost" ? money(value, cost!.currency) : hours(value);
  const measures: Measure[] = cost
    ? ["nodeHours", "vcpuHours", "cost"]
    : ["nodeHours", "vcpuHours"];
  return (
    <section className="card stack" aria-label="By day">
      <div className="row apart">
        <h2>By day</h2>
        <SegmentedControl
          aria-label="What is shown"
          value={measure}
          onChange={(value) => setChosen(value as Measure)}
          data={measures.map((value) => ({value, label: measureWords[value]}))}
        />
      </div>
      <Chart bars={bars} what={measureWords[measure]} words={words} />
      <details>
        <summary>As a table</summary>
        <Table
          label="Usage by day"
          headings={["Day (UTC)", {name: measureWords[measure], as: "number"}]}
        >
          {bars.map((bar) => (
            <tr key={bar.day}>
              <td>{day(bar.day)}</td>
              <td className="number">{words(bar.value)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </section>
  );
}

function BySize({lines}: {lines: UsageLine[]}) {
  const cost = costOf(lines);
  const prices = cost ?? lines.find((line) => line.cost)?.cost;
  return (
    <section className="card stack" aria-label="By cluster and size">
      <h2>By cluster and size</h2>
      <Table
        label="Usage by cluster and size"
        headings={[
          "Cluster",
          "Size",
          {name: "Node hours", as: "number"},
          {name: "vCPU hours", as: "number"},
          {name: "List price", as: "number"},
        ]}
      >
        {sumsOf(lines).map((sum) => (
          <tr key={`${sum.cluster} ${sum.instanceType} ${sum.spot}`}>
            <td>{sum.clusterName}</td>
            <td>
              {sum.instanceType}
              {sum.spot && <div className="small dim">spot machines</div>}
            </td>
            <td className="number">{hours(sum.nodeHours)}</td>
            <td className="number">{hours(sum.vcpuHours)}</td>
            <td className="number">
              {sum.cost ? money(sum.cost.amount, sum.cost.currency) : "not known"}
            </td>
          </tr>
        ))}
      </Table>
      {cost && (
        <p>
          Together <strong>{money(cost.amount, cost.currency)}</strong> at list price.
        </p>
      )}
      {prices && <p className="small dim">{priceWords(prices.origin, prices.asOf)}</p>}
    </section>
  );
}

export function Usage() {
  const [span, setSpan] = useState("30");
  const {from, to} = lastDays(Number(span), Date.now());
  const usage = useUsage(from, to);
  return (
    <>
      <Title>Usage</Title>
      <div className="page-head">
        <h1>Usage</h1>
        <div className="row push">
          <Select
            aria-label="Days"
            data={spans}
            value={span}
            onChange={(value) => value && setSpan(value)}
            allowDeselect={false}
          />
          <Button
            component="a"
            variant="default"
            href={`/v1/usage?format=csv&from=${from}&to=${to}`}
            download={`usage-${from}-${to}.csv`}
            leftSection={<IconDownload size={16} />}
          >
            Download CSV
          </Button>
        </div>
      </div>
      <Loaded of={usage}>
        {(lines) =>
          lines.length === 0 ? (
            <Empty
              icon={<IconChartBar size={44} stroke={1.4} aria-hidden />}
              title="No machine ran in these days"
            >
              <p>
                Machines count from when they have power until they are stopped or terminated, also
                those of clusters that are gone.
              </p>
            </Empty>
          ) : (
            <div className="stack">
              <ByDay lines={lines} from={from} to={to} />
              <BySize lines={lines} />
            </div>
          )
        }
      </Loaded>
    </>
  );
}
