import {Button} from "@mantine/core";
import {IconArrowLeft, IconCircleCheck} from "@tabler/icons-react";
import {Link, Navigate, NavLink, useParams} from "react-router";
import type {ReactNode} from "react";
import type {Cluster} from "../../api/client";
import {useCluster, useMe} from "../../api/queries";
import {Acts} from "../../parts/acts";
import {Empty, FaultAlert, Loaded, Locked, PhaseMark, Title, useNow} from "../../parts/bits";
import {sentence} from "../../pure/draft";
import {duration, isMoving} from "../../pure/words";
import {Console} from "./console";
import {Details} from "./details";
import {General} from "./general";
import {Services} from "./services";

const tabs: Record<string, {label: string; view: (props: {cluster: Cluster}) => ReactNode}> = {
  general: {label: "General", view: General},
  services: {label: "Services", view: Services},
  console: {label: "Console", view: Console},
  backups: {
    label: "Backups",
    view: () => (
      <Locked title="Backups are not in this version">
        This server cannot take backups yet. The data of the cluster stays in its container, also
        after Terminate.
      </Locked>
    ),
  },
  details: {label: "Details", view: Details},
};

function Trouble({cluster}: {cluster: Cluster}) {
  const {may} = useMe();
  if (!cluster.problem) return null;
  const failed = cluster.phase === "failed";
  return (
    <FaultAlert
      fault={cluster.problem}
      title={failed ? "The cluster has failed" : "Something is in the way"}
    >
      {failed && may.manageClusters && (
        <p className="small">
          Once the cause is mended, Retry goes on from where it stood. Terminate gives it up.
        </p>
      )}
    </FaultAlert>
  );
}

function Stage({cluster}: {cluster: Cluster}) {
  const moving = isMoving(cluster);
  const now = useNow(moving);
  if (!moving) return null;
  return (
    <p className="sub" role="status">
      {sentence(cluster.stage).replace(/\.$/, "") || "Working"} · for{" "}
      {duration(now - Date.parse(cluster.phaseSince))}
    </p>
  );
}

function Whole({cluster, tab}: {cluster: Cluster; tab: string}) {
  const View = tabs[tab]!.view;
  return (
    <>
      <Title>{`${tabs[tab]!.label} · ${cluster.name}`}</Title>
      <Link className="crumb" to="/clusters">
        <IconArrowLeft size={16} aria-hidden /> Clusters
      </Link>
      <div className="page-head">
        <h1>{cluster.name}</h1>
        <PhaseMark phase={cluster.phase} />
        <div className="push">
          <Acts cluster={cluster} />
        </div>
        <Stage cluster={cluster} />
      </div>
      <nav className="tabs" aria-label="Parts of the cluster">
        {Object.entries(tabs).map(([slug, {label}]) => (
          <NavLink key={slug} to={`/clusters/${cluster.id}/${slug}`}>
            {label}
          </NavLink>
        ))}
      </nav>
      <div className="stack wide">
        <Trouble cluster={cluster} />
        <View cluster={cluster} />
      </div>
    </>
  );
}

export function ClusterPage() {
  const {id = "", tab = "general"} = useParams();
  const cluster = useCluster(id);
  if (!tabs[tab]) return <Navigate to={`/clusters/${id}/general`} replace />;
  return (
    <Loaded of={cluster}>
      {(known) =>
        known ? (
          <Whole cluster={known} tab={tab} />
        ) : (
          <>
            <Title>Cluster is gone</Title>
            <div className="page-head">
              <h1>Cluster</h1>
            </div>
            <Empty
              icon={<IconCircleCheck size={44} stroke={1.4} aria-hidden />}
              title="This cluster is gone"
            >
              <p>
                It has been terminated, and everything that was made for it is deleted. Its
                container stays.
              </p>
              <Button component={Link} to="/clusters">
                To the clusters
              </Button>
            </Empty>
          </>
        )
      }
    </Loaded>
  );
}
