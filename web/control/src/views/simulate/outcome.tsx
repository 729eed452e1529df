import type {SimulationOutcome} from "../../api/client";
import {Callout} from "../../parts/bits";
import {Table} from "../../parts/table";
import {condensed, lengthOf, stepsPath, usedPercent, type Moment} from "../../pure/simulation";
import {axisTop, hours} from "../../pure/usage";
import {duration, money, plural, priceWords} from "../../pure/words";

const seconds = (value: number) => (value > 0 && value < 1 ? "under 1 s" : duration(value * 1000));

/** Steps over the time, one behind the other: the first is the largest. */
function Panel({title, course, series}: {title: string; course: Moment[]; series: Series[]}) {
  const top = axisTop(Math.max(...series.flatMap(({of}) => course.map((each) => each[of]))));
  return (
    <figure className="chart" aria-label={title}>
      <div className="row apart small" aria-hidden>
        <strong>{title}</strong>
        {series.length > 1 && (
          <span className="row">
            {series.map(({of, words}) => (
              <span key={of} className={`key ${of}`}>
                {words}
              </span>
            ))}
          </span>
        )}
      </div>
      <div className="chart-body short">
        <div className="chart-axis" aria-hidden>
          <span>{top}</span>
          <span>0</span>
        </div>
        <svg
          role="img"
          aria-label={`${title} over the time; the table has the figures`}
          viewBox={`0 0 ${course.length} 100`}
          preserveAspectRatio="none"
        >
          {series.map(({of}) => (
            <path
              key={of}
              className={of}
              d={stepsPath(
                course.map((each) => each[of]),
                top,
              )}
            />
          ))}
        </svg>
      </div>
      <figcaption className="chart-days small dim">
        <span>0</span>
        <span>{duration(lengthOf(course))}</span>
      </figcaption>
    </figure>
  );
}

interface Series {
  of: "workers" | "used" | "waiting";
  words: string;
}

function Course({course}: {course: Moment[]}) {
  const begin = Date.parse(course[0]!.at);
  return (
    <section className="card stack" aria-label="Over the time">
      <h2>Over the time</h2>
      <Panel
        title="Workers"
        course={course}
        series={[
          {of: "workers", words: "Paid for"},
          {of: "used", words: "With a job"},
        ]}
      />
      <Panel title="Jobs that wait" course={course} series={[{of: "waiting", words: "Waiting"}]} />
      <details>
        <summary>As a table</summary>
        <Table
          label="The course"
          headings={[
            "From the begin",
            {name: "Workers paid for", as: "number"},
            {name: "With a job", as: "number"},
            {name: "Jobs that wait", as: "number"},
          ]}
        >
          {condensed(course, 48).map(({at, workers, used, waiting}) => (
            <tr key={at}>
              <td>{duration(Date.parse(at) - begin)}</td>
              <td className="number">{hours(workers)}</td>
              <td className="number">{hours(used)}</td>
              <td className="number">{hours(waiting)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </section>
  );
}

function Cost({outcome}: {outcome: SimulationOutcome}) {
  const {cost, workers} = outcome;
  const used = usedPercent(outcome);
  return (
    <section className="card stack" aria-label="Cost">
      <h2>Cost</h2>
      <p>
        <strong>{cost ? money(cost.amount, cost.currency) : "Not known"}</strong>
        {cost ? " for " : ": not every type has a price. "}
        {hours(outcome.hours)} worker hours
        {used !== null && `, ${used} % of them with a job`}.
      </p>
      <Table
        label="Workers by type"
        headings={[
          "Instance type",
          {name: "Worker hours", as: "number"},
          {name: "Asked for", as: "number"},
        ]}
      >
        {workers.map((use, index) => (
          <tr key={index}>
            <td>{use.instanceType}</td>
            <td className="number">{hours(use.hours)}</td>
            <td className="number">{use.boots === 1 ? "once" : `${use.boots} times`}</td>
          </tr>
        ))}
      </Table>
      {cost && <p className="small dim">{priceWords(cost.origin, cost.asOf)}</p>}
    </section>
  );
}

function Waiting({jobs, neverRan, waiting}: SimulationOutcome) {
  const began = `${waiting.jobs} of ${plural(jobs, "job")}`;
  return (
    <section className="card stack" aria-label="Waiting">
      <h2>Waiting</h2>
      <dl className="facts">
        <dt>Mean</dt>
        <dd>{seconds(waiting.meanSeconds)}</dd>
        <dt>Median</dt>
        <dd>{seconds(waiting.medianSeconds)}</dd>
        <dt>95 % within</dt>
        <dd>{seconds(waiting.p95Seconds)}</dd>
        <dt>Longest</dt>
        <dd>{seconds(waiting.longestSeconds)}</dd>
        <dt>Jobs that began</dt>
        <dd>{began}</dd>
        {neverRan > 0 && (
          <>
            <dt>Left out</dt>
            <dd>{plural(neverRan, "job")} that never ran when it was recorded</dd>
          </>
        )}
      </dl>
    </section>
  );
}

/** What the numbers alone would hide. */
function Doubts({neverMet, leftWaiting, skippedLines, badLines}: SimulationOutcome) {
  return (
    <>
      {neverMet > 0 && (
        <Callout tone="warn" title={`${plural(neverMet, "job")} could never run`}>
          <p>
            No worker of an allowed type is large enough. They bought nothing and wait in no mean.
          </p>
        </Callout>
      )}
      {leftWaiting > 0 && (
        <Callout tone="warn" title={`${plural(leftWaiting, "job")} waited to the end`}>
          <p>No worker ever came for them. Raise the maximum number of workers.</p>
        </Callout>
      )}
      {skippedLines > 0 && (
        <Callout tone="info" title={`${plural(skippedLines, "bad line")} skipped`}>
          <ul className="plain small">
            {badLines.slice(0, 10).map(({line, reason}) => (
              <li key={line}>
                Line {line}: {reason}
              </li>
            ))}
            {skippedLines > 10 && <li>… and {skippedLines - 10} more</li>}
          </ul>
        </Callout>
      )}
    </>
  );
}

export function Outcome({outcome}: {outcome: SimulationOutcome}) {
  return (
    <div className="stack">
      <Doubts {...outcome} />
      <div className="two cards-two">
        <Cost outcome={outcome} />
        <Waiting {...outcome} />
      </div>
      {outcome.course.length > 0 && <Course course={outcome.course} />}
    </div>
  );
}
