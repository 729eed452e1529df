import {Button, Checkbox, Group, TextInput} from "@mantine/core";
import type {Finding} from "../../api/client";
import {
  advancedOf,
  days,
  entryFaults,
  officeHours,
  scaleFaults,
  type Day,
  type ScaleDraft,
  type ScheduleDraft,
} from "../../pure/autoscale";
import {faultAt} from "../../pure/draft";
import {plural} from "../../pure/words";
import {WholeNumber} from "./fields";

interface Props {
  title: string;
  pointer: string;
  isGpu: boolean;
  group: ScaleDraft;
  findings: readonly Finding[];
  set: (patch: Partial<ScaleDraft>) => void;
}

function SpotFields({pointer, group, findings, set}: Props) {
  const {withSpot, spot} = group;
  return (
    <div className="stack tight">
      <Checkbox
        label="Spot machines"
        description="Cheaper; the cloud may take one back at any time, and its jobs begin again"
        checked={withSpot}
        onChange={(event) => set({withSpot: event.currentTarget.checked})}
      />
      {withSpot && (
        <div className="two">
          <WholeNumber
            label="Maximum price"
            description="Of the price on demand"
            value={spot.maxPricePercent}
            min={1}
            max={200}
            suffix=" %"
            onChange={(maxPricePercent) => set({spot: {...spot, maxPricePercent}})}
            error={faultAt(findings, `${pointer}/spot/maxPricePercent`)}
          />
          <Checkbox
            label="Fall back on demand"
            description="When there are no spot machines at that price"
            checked={spot.fallBackOnDemand}
            onChange={(event) =>
              set({spot: {...spot, fallBackOnDemand: event.currentTarget.checked}})
            }
          />
        </div>
      )}
    </div>
  );
}

function ShapeFields({pointer, isGpu, group, findings, set}: Props) {
  const {withShape, standbyShape: shape} = group;
  const part = (name: keyof typeof shape, label: string, least: number, suffix?: string) => (
    <WholeNumber
      label={label}
      value={shape[name]}
      min={least}
      suffix={suffix}
      onChange={(value) => set({standbyShape: {...shape, [name]: value}})}
      error={faultAt(findings, `${pointer}/standbyShape/${name}`)}
    />
  );
  return (
    <div className="stack tight">
      <Checkbox
        label="Standby shape"
        description="So many jobs of one shape find room at once, each on one machine"
        checked={withShape}
        onChange={(event) => set({withShape: event.currentTarget.checked})}
        error={scaleFaults(group).standbyShape ?? faultAt(findings, `${pointer}/standbyShape`)}
      />
      {withShape && (
        <div className="two">
          {part("count", "Jobs that find room", 1)}
          {part("cpus", "Cores of such a job", 0)}
          {part("memoryMb", "Memory of such a job", 0, " MB")}
          {isGpu && part("gpus", "GPUs of such a job", 0)}
        </div>
      )}
    </div>
  );
}

interface EntryProps {
  number: number;
  pointer: string;
  entry: ScheduleDraft;
  group: ScaleDraft;
  findings: readonly Finding[];
  set: (entry: ScheduleDraft) => void;
  remove: () => void;
}

function EntryFields({number, pointer, entry, group, findings, set, remove}: EntryProps) {
  const own = entryFaults(entry, group);
  const fault = (name: keyof ScheduleDraft) => own[name] ?? faultAt(findings, `${pointer}/${name}`);
  const chosen = (words: string[]): Day[] => days.filter((day) => words.includes(day));
  return (
    <fieldset className="stack tight">
      <legend className="legend">Hours {number}</legend>
      <Checkbox.Group
        label="Days"
        description="None chosen: every day"
        value={entry.days}
        onChange={(words) => set({...entry, days: chosen(words)})}
        error={fault("days")}
      >
        <Group gap="sm" mt={4}>
          {days.map((day) => (
            <Checkbox key={day} value={day} label={day} />
          ))}
        </Group>
      </Checkbox.Group>
      <div className="two">
        <TextInput
          label="From (UTC)"
          value={entry.from}
          onChange={(event) => set({...entry, from: event.currentTarget.value})}
          error={fault("from")}
        />
        <TextInput
          label="To (UTC)"
          value={entry.to}
          onChange={(event) => set({...entry, to: event.currentTarget.value})}
          error={fault("to")}
        />
        <WholeNumber
          label="Minimum at these hours"
          value={entry.minWorkers}
          min={0}
          max={1000}
          onChange={(minWorkers) => set({...entry, minWorkers})}
          error={fault("minWorkers")}
        />
      </div>
      <Button variant="default" size="xs" onClick={remove} style={{justifySelf: "start"}}>
        Remove hours {number}
      </Button>
    </fieldset>
  );
}

function ScheduleFields({pointer, group, findings, set}: Props) {
  const {schedule} = group;
  return (
    <div className="stack tight">
      {schedule.map((entry, index) => (
        <EntryFields
          key={index}
          number={index + 1}
          pointer={`${pointer}/schedule/${index}`}
          entry={entry}
          group={group}
          findings={findings}
          set={(next) => set({schedule: schedule.with(index, next)})}
          remove={() => set({schedule: schedule.toSpliced(index, 1)})}
        />
      ))}
      <Button
        variant="default"
        size="xs"
        style={{justifySelf: "start"}}
        onClick={() => set({schedule: [...schedule, officeHours]})}
      >
        {schedule.length === 0 ? "Add a schedule" : "Add more hours"}
      </Button>
    </div>
  );
}

/** What few ask for. Closed it says how much is asked, so that nothing is hidden. */
export function AdvancedScale(props: Props) {
  const asked = advancedOf(props.group).length;
  return (
    <details>
      <summary>
        Advanced: {props.title}
        <span className="small dim">
          {" "}
          · spot, standby shape, schedule{asked > 0 && ` · ${plural(asked, "setting")}`}
        </span>
      </summary>
      <div className="stack" style={{paddingTop: 12}}>
        <SpotFields {...props} />
        <ShapeFields {...props} />
        <ScheduleFields {...props} />
      </div>
    </details>
  );
}
