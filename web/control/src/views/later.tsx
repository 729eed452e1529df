import {IconArchive} from "@tabler/icons-react";
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
