import {Checkbox, NumberInput, Select, TagsInput} from "@mantine/core";
import type {Finding, Size} from "../../api/client";
import {promiseOf, scaleFaults, type AutoscaleDraft, type ScaleDraft} from "../../pure/autoscale";
import {faultAt} from "../../pure/draft";
import {AdvancedScale} from "./autoscale_advanced";
import {SizePicker, WholeNumber} from "./fields";

interface GroupProps {
  title: string;
  /** Where findings of it are: "/autoscale/gpu". */
  pointer: string;
  isGpu: boolean;
  group: ScaleDraft;
  sizes: Size[];
  findings: readonly Finding[];
  set: (patch: Partial<ScaleDraft>) => void;
}

function ScaleGroupForm({title, pointer, isGpu, group, sizes, findings, set}: GroupProps) {
  const own = scaleFaults(group);
  const fault = (name: keyof ScaleDraft) => own[name] ?? faultAt(findings, `${pointer}/${name}`);
  return (
    <fieldset className="group">
      <legend>
        <strong>{title}</strong>
      </legend>
      <SizePicker
        label={`Instance type: ${title}`}
        value={group.instanceType}
        sizes={isGpu ? sizes.filter((size) => size.gpus > 0) : sizes}
        onChange={(instanceType) => set({instanceType})}
        error={fault("instanceType")}
      />
      <div className="two">
        <WholeNumber
          label="Local storage of each"
          value={group.diskGb}
          min={30}
          suffix=" GB"
          onChange={(diskGb) => set({diskGb})}
          error={fault("diskGb")}
        />
        <WholeNumber
          label="Minimum number of workers"
          value={group.minWorkers}
          min={0}
          max={1000}
          onChange={(minWorkers) => set({minWorkers})}
          error={fault("minWorkers")}
        />
        <WholeNumber
          label="Maximum number of workers"
          value={group.maxWorkers}
          min={0}
          max={1000}
          onChange={(maxWorkers) => set({maxWorkers})}
          error={fault("maxWorkers")}
        />
        <NumberInput
          label="Standby workers"
          value={group.standbyWorkers}
          min={0}
          step={0.5}
          decimalScale={2}
          allowNegative={false}
          onChange={(value) => typeof value === "number" && set({standbyWorkers: value})}
          error={fault("standbyWorkers")}
        />
        <WholeNumber
          label="Time before unused workers leave"
          value={group.downscaleWaitSeconds}
          min={0}
          suffix=" s"
          onChange={(downscaleWaitSeconds) => set({downscaleWaitSeconds})}
          error={fault("downscaleWaitSeconds")}
        />
        <TagsInput
          label="Other types, when the cloud has no more"
          value={group.fallbackTypes}
          data={sizes
            .filter((size) => !size.unavailable && size.name !== group.instanceType)
            .filter((size) => !isGpu || size.gpus > 0)
            .map((size) => size.name)}
          onChange={(fallbackTypes) => set({fallbackTypes})}
          error={faultAt(findings, `${pointer}/fallbackTypes/0`)}
        />
      </div>
      <AdvancedScale
        title={title}
        pointer={pointer}
        isGpu={isGpu}
        group={group}
        findings={findings}
        set={set}
      />
      <p className="small dim" aria-live="polite">
        {promiseOf(
          group,
          sizes.find((size) => size.name === group.instanceType),
          isGpu,
        )}
      </p>
    </fieldset>
  );
}

interface FormProps {
  policy: AutoscaleDraft;
  sizes: Size[];
  findings: readonly Finding[];
  set: (policy: AutoscaleDraft) => void;
}

/** The policy in two parts, as the wizard and the Details tab ask for it. */
export function AutoscaleForm({policy, sizes, findings, set}: FormProps) {
  const part = (name: "general" | "gpu") => (patch: Partial<ScaleDraft>) =>
    set({...policy, [name]: {...policy[name], ...patch}});
  return (
    <>
      <Select
        label="Mode"
        description="Adaptive keeps minimum, maximum and standby too, and learns from the past how long unused workers stay and what a job may wait for"
        data={[
          {value: "standard", label: "Standard"},
          {value: "adaptive", label: "Adaptive"},
        ]}
        value={policy.mode}
        onChange={(mode) => mode && set({...policy, mode: mode as AutoscaleDraft["mode"]})}
        allowDeselect={false}
      />
      <ScaleGroupForm
        title="General-purpose workers"
        pointer="/autoscale/general"
        isGpu={false}
        group={policy.general}
        sizes={sizes}
        findings={findings}
        set={part("general")}
      />
      <Checkbox
        label="No GPU autoscale"
        description="Without it, workers with GPUs come and go with the work too"
        checked={!policy.withGpu}
        onChange={(event) => set({...policy, withGpu: !event.currentTarget.checked})}
      />
      {policy.withGpu && (
        <ScaleGroupForm
          title="GPU workers"
          pointer="/autoscale/gpu"
          isGpu
          group={policy.gpu}
          sizes={sizes}
          findings={findings}
          set={part("gpu")}
        />
      )}
    </>
  );
}
