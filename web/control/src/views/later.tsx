import {IconArchive, IconChartBar} from "@tabler/icons-react";
import {Empty, Title} from "../parts/bits";

export function Backups() {
  return (
    <>
      <Title>Backups</Title>
      <div className="page-head">
        <h1>Backups</h1>
      </div>
      <Empty
        icon={<IconArchive size={44} stroke={1.4} aria-hidden />}
        title="Backups are not in this version"
      >
        <p>
          This server cannot take backups yet. The data of every cluster stays in its container,
          also after Terminate.
        </p>
      </Empty>
    </>
  );
}

export function Usage() {
  return (
    <>
      <Title>Usage</Title>
      <div className="page-head">
        <h1>Usage</h1>
      </div>
      <Empty
        icon={<IconChartBar size={44} stroke={1.4} aria-hidden />}
        title="Usage is not counted in this version"
      >
        <p>
          This server does not add up node hours yet. What each cluster did stands in its Console
          tab.
        </p>
      </Empty>
    </>
  );
}
