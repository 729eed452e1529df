import {Button} from "@mantine/core";
import {IconRefresh} from "@tabler/icons-react";
import {useQuery, useQueryClient} from "@tanstack/react-query";
import {useState} from "react";
import {api, done, type Cluster} from "../../api/client";
import {keys, useMe, useSave} from "../../api/queries";
import {asProblem, CopyLine, FaultAlert} from "../../parts/bits";
import {Confirm} from "../../parts/confirm";
import {when} from "../../pure/words";

function Password({cluster}: {cluster: Cluster}) {
  const queries = useQueryClient();
  const [shown, setShown] = useState(false);
  const [asked, setAsked] = useState(false);
  const queryKey = ["first-administrator", cluster.id];
  // Only when asked for, and never kept: it is gone when this view is left.
  const first = useQuery({
    queryKey,
    queryFn: () =>
      done(api.GET("/v1/clusters/{id}/first-administrator", {params: {path: {id: cluster.id}}})),
    enabled: shown,
    gcTime: 0,
    retry: false,
  });
  const rotate = useSave(
    (_: void) => done(api.POST("/v1/clusters/{id}/password", {params: {path: {id: cluster.id}}})),
    [keys.cluster(cluster.id)],
  );
  const take = () =>
    rotate.mutate(undefined, {
      onSuccess: (made) => {
        queries.setQueryData(queryKey, made);
        setShown(true);
      },
    });
  const {passwordRotatedAt, passwordPending} = cluster.access;
  return (
    <div className="stack tight">
      <span className="dim small">Password</span>
      {shown && first.data && <CopyLine value={first.data.password} label="Copy the password" />}
      <div className="row tight">
        {!(shown && first.data) && (
          <Button
            variant="default"
            loading={first.isFetching}
            onClick={() => (shown ? void first.refetch() : setShown(true))}
          >
            Show the password
          </Button>
        )}
        {cluster.wanted !== "terminated" && (
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            loading={rotate.isPending}
            onClick={() => setAsked(true)}
          >
            Rotate
          </Button>
        )}
      </div>
      {passwordRotatedAt && (
        <p className="dim small" role="status">
          {passwordPending
            ? "The cluster takes the new password as soon as its head answers; until then the old one holds."
            : `Made anew on ${when(passwordRotatedAt)}.`}
        </p>
      )}
      {first.error && (
        <FaultAlert fault={asProblem(first.error)} title="The password cannot be shown" />
      )}
      {asked && (
        <Confirm
          title="Rotate the password?"
          act="Rotate password"
          onDone={take}
          onClose={() => setAsked(false)}
        >
          <p>
            A new password is made and shown here. The old one ends, and whoever signed in to the
            cluster&rsquo;s page with it is signed out. SSH keys stay.
          </p>
        </Confirm>
      )}
    </div>
  );
}

export function FirstUser({cluster}: {cluster: Cluster}) {
  const {may} = useMe();
  return (
    <section className="card">
      <h2>First user</h2>
      <div className="stack">
        <div className="stack tight">
          <span className="dim small">User name</span>
          <CopyLine value={cluster.access.user} label="Copy the user name" />
        </div>
        {may.administer ? (
          <Password cluster={cluster} />
        ) : (
          <p className="dim small">Administrators of your organisation can see the password.</p>
        )}
      </div>
    </section>
  );
}
