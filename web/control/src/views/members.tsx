import {Button, Checkbox, Modal, Select, Switch, TextInput} from "@mantine/core";
import {IconUserPlus} from "@tabler/icons-react";
import {useQuery} from "@tanstack/react-query";
import {useState, type FormEvent} from "react";
import {
  people,
  type Invitation,
  type InvitedRole,
  type Member,
  type Organisation,
  type Role,
} from "../api/people";
import {client, keys, useCapabilities, useMe, useSave} from "../api/queries";
import {asProblem, CopyLine, FaultAlert, Loaded, Title} from "../parts/bits";
import {Confirm} from "../parts/confirm";
import {actionsHeading, Table} from "../parts/table";
import {day} from "../pure/words";

const roleWords: Record<Role, string> = {
  owner: "Owner",
  administrator: "Administrator",
  member: "Member",
};

function Invite({onClose}: {onClose: () => void}) {
  const {may} = useMe();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<InvitedRole>("member");
  const sendsMail = useCapabilities().data?.features.mail ?? false;
  const [byMail, setByMail] = useState(true);
  const invite = useSave(people.invite, [keys.invitations]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const address = email.trim();
    const mail = sendsMail && byMail && address !== "";
    invite.mutate({role, ...(address ? {email: address} : {}), ...(mail ? {mail} : {})});
  };
  return (
    <Modal
      opened
      onClose={onClose}
      centered
      title={<strong>Invite a member</strong>}
      closeButtonProps={{"aria-label": "Close"}}
    >
      {invite.data ? (
        <div className="stack">
          <p>
            {invite.data.mailed
              ? `The link is on its way to ${invite.data.email}. You may hand it over as well:`
              : "Send this link to whom you invite."}{" "}
            It is shown this once, and is good for one person and seven days.
          </p>
          <CopyLine value={invite.data.link} label="Copy the link" />
          <Button onClick={onClose} style={{justifySelf: "end"}}>
            Done
          </Button>
        </div>
      ) : (
        <form onSubmit={submit} className="stack">
          <TextInput
            label="E-mail"
            description="May be left out"
            type="email"
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
            data-autofocus
          />
          <Select
            label="Role"
            data={[
              {value: "member", label: "Member"},
              ...(may.administer ? [{value: "administrator", label: "Administrator"}] : []),
            ]}
            value={role}
            onChange={(value) => value && setRole(value as InvitedRole)}
            allowDeselect={false}
          />
          {sendsMail && email.trim() !== "" && (
            <Checkbox
              label="Send the link by mail"
              checked={byMail}
              onChange={(event) => setByMail(event.currentTarget.checked)}
            />
          )}
          {invite.error && <FaultAlert fault={asProblem(invite.error)} title="No link was made" />}
          <div className="row" style={{justifyContent: "flex-end"}}>
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={invite.isPending}>
              Make a link
            </Button>
          </div>
        </form>
      )}
    </Modal>
  );
}

interface RowProps {
  member: Member;
  onReset: () => void;
  onRemove: () => void;
}

function MemberRow({member, onReset, onRemove}: RowProps) {
  const {may, person} = useMe();
  const setRole = useSave(
    (role: Role) => people.setRole(member.id, role),
    [keys.members, keys.session],
  );
  const owner = person.role === "owner";
  const mayChange = may.administer && (owner || member.role !== "owner");
  const self = member.id === person.id;
  return (
    <tr>
      <td>
        <strong>{member.name}</strong>
        {self && <span className="dim"> (you)</span>}
        <div className="small dim">{member.email}</div>
      </td>
      <td>
        {mayChange ? (
          <Select
            aria-label={`Role of ${member.name}`}
            size="xs"
            style={{width: 148}}
            data={[
              ...(owner ? [{value: "owner", label: "Owner"}] : []),
              {value: "administrator", label: "Administrator"},
              {value: "member", label: "Member"},
            ]}
            value={member.role}
            onChange={(role) => role && role !== member.role && setRole.mutate(role as Role)}
            allowDeselect={false}
          />
        ) : (
          roleWords[member.role]
        )}
      </td>
      <td>{member.totp ? "On" : "Off"}</td>
      <td className="dim">{member.lastSeenAt ? day(member.lastSeenAt) : "Never"}</td>
      <td className="end">
        {mayChange && !self && (
          <Button variant="default" size="compact-sm" onClick={onReset}>
            Reset password
            <span className="visually-hidden"> of {member.name}</span>
          </Button>
        )}{" "}
        {(self || mayChange) && (
          <Button variant="default" size="compact-sm" onClick={onRemove}>
            {self ? "Leave" : "Remove"}
            <span className="visually-hidden"> {self ? "the organisation" : member.name}</span>
          </Button>
        )}
      </td>
    </tr>
  );
}

/** A link that sets a new password, handed over by whoever made it. */
function Reset({member, onClose}: {member: Member; onClose: () => void}) {
  const reset = useSave(() => people.resetPassword(member.id), []);
  return (
    <Modal
      opened
      onClose={onClose}
      centered
      title={<strong>A new password for {member.name}</strong>}
      closeButtonProps={{"aria-label": "Close"}}
    >
      <div className="stack">
        {reset.data ? (
          <>
            <p>
              Hand this link to {member.name}. It is shown this once, and sets a new password, once,
              within an hour.
            </p>
            <CopyLine value={reset.data.link} label="Copy the link" />
            <Button onClick={onClose} style={{justifySelf: "end"}}>
              Done
            </Button>
          </>
        ) : (
          <>
            <p>
              Whoever has the link sets the password. Until then the old one holds; two factors stay
              as they are.
            </p>
            <div className="row" style={{justifyContent: "flex-end"}}>
              <Button variant="default" onClick={onClose}>
                Cancel
              </Button>
              <Button onClick={() => reset.mutate()} loading={reset.isPending}>
                Make a link
              </Button>
            </div>
          </>
        )}
      </div>
    </Modal>
  );
}

function MemberList({members}: {members: Member[]}) {
  const {person} = useMe();
  const [forgetful, setForgetful] = useState<Member | null>(null);
  const [asked, setAsked] = useState<Member | null>(null);
  const remove = useSave(people.removeMember, [keys.members, keys.session]);
  return (
    <section className="card">
      <h2>People</h2>
      <Table label="People" headings={["Name", "Role", "Two factors", "Last seen", actionsHeading]}>
        {members.map((member) => (
          <MemberRow
            key={member.id}
            member={member}
            onReset={() => setForgetful(member)}
            onRemove={() => setAsked(member)}
          />
        ))}
      </Table>
      {forgetful && <Reset member={forgetful} onClose={() => setForgetful(null)} />}
      {asked && (
        <Confirm
          title={asked.id === person.id ? "Leave the organisation?" : `Remove ${asked.name}?`}
          act={asked.id === person.id ? "Leave" : "Remove"}
          danger
          onDone={() => remove.mutate(asked.id)}
          onClose={() => setAsked(null)}
        >
          <p>
            Every session ends at once, and nothing can be seen or changed any more. Clusters stay
            as they are.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function Invitations({invitations}: {invitations: Invitation[]}) {
  const withdraw = useSave(people.withdraw, [keys.invitations]);
  return (
    <section className="card">
      <h2>Open invitations</h2>
      {invitations.length === 0 ? (
        <p className="dim">Nobody is invited at the moment.</p>
      ) : (
        <Table
          label="Open invitations"
          headings={["For", "Role", "Invited by", "Good until", actionsHeading]}
        >
          {invitations.map((invitation) => (
            <tr key={invitation.id}>
              <td>{invitation.email || "Whoever has the link"}</td>
              <td>{roleWords[invitation.role]}</td>
              <td>{invitation.invitedBy}</td>
              <td className="dim">{day(invitation.expiresAt)}</td>
              <td className="end">
                <Button
                  variant="default"
                  size="compact-sm"
                  onClick={() => withdraw.mutate(invitation.id)}
                >
                  Withdraw
                  <span className="visually-hidden"> the invitation of {invitation.email}</span>
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </section>
  );
}

function Rules({organisation}: {organisation: Organisation}) {
  const {may} = useMe();
  const [name, setName] = useState(organisation.name);
  const save = useSave(people.changeOrganisation, [keys.organisation, keys.session]);
  const {permissions} = organisation;
  const off = !may.administer || save.isPending;
  const allow = (patch: Partial<Organisation["permissions"]>) =>
    save.mutate({permissions: {...permissions, ...patch}});
  return (
    <div className="two cards-two">
      <section className="card">
        <h2>What members may do</h2>
        <div className="stack">
          <Switch
            label="Invite members"
            disabled={off}
            checked={permissions.inviteMembers}
            onChange={(event) => allow({inviteMembers: event.currentTarget.checked})}
          />
          <Switch
            label="Create, change and terminate clusters"
            disabled={off}
            checked={permissions.manageClusters}
            onChange={(event) => allow({manageClusters: event.currentTarget.checked})}
          />
          <Switch
            label="Open and close service ports"
            disabled={off}
            checked={permissions.managePorts}
            onChange={(event) => allow({managePorts: event.currentTarget.checked})}
          />
          <p className="small dim">Owners and administrators may always do all of it.</p>
        </div>
      </section>
      <section className="card">
        <h2>Organisation</h2>
        <div className="stack">
          <form
            className="row"
            style={{alignItems: "flex-end"}}
            onSubmit={(event) => {
              event.preventDefault();
              save.mutate({name: name.trim()});
            }}
          >
            <TextInput
              label="Name"
              style={{flex: 1}}
              value={name}
              disabled={!may.administer}
              onChange={(event) => setName(event.currentTarget.value)}
            />
            {may.administer && (
              <Button
                type="submit"
                variant="default"
                disabled={off || name.trim() === "" || name === organisation.name}
              >
                Save
              </Button>
            )}
          </form>
          <Select
            label="Plan"
            description="Backups need the enterprise plan"
            data={[
              {value: "community", label: "Community"},
              {value: "enterprise", label: "Enterprise"},
            ]}
            value={organisation.plan}
            disabled={off}
            onChange={(plan) => plan && save.mutate({plan: plan as Organisation["plan"]})}
            allowDeselect={false}
          />
          <Switch
            label="Everybody signs in with two factors"
            description="Who has not set it up yet is asked to, before anything else"
            disabled={off}
            checked={organisation.requireTotp}
            onChange={(event) => save.mutate({requireTotp: event.currentTarget.checked})}
          />
        </div>
      </section>
    </div>
  );
}

export function Members() {
  const {may} = useMe();
  const [inviting, setInviting] = useState(false);
  const members = useQuery({
    queryKey: keys.members,
    queryFn: people.members,
  });
  const invitations = useQuery({
    queryKey: keys.invitations,
    queryFn: people.invitations,
    enabled: may.invite,
  });
  const organisation = useQuery({queryKey: keys.organisation, queryFn: people.organisation});
  const close = () => {
    setInviting(false);
    void client.invalidateQueries({queryKey: keys.invitations});
  };
  return (
    <>
      <Title>Members</Title>
      <div className="page-head">
        <h1>Members</h1>
        {may.invite && (
          <Button
            className="push"
            leftSection={<IconUserPlus size={18} />}
            onClick={() => setInviting(true)}
          >
            Invite
          </Button>
        )}
      </div>
      <div className="stack wide">
        <Loaded of={members}>{(all) => <MemberList members={all} />}</Loaded>
        {may.invite && (
          <Loaded of={invitations} rows={1}>
            {(all) => <Invitations invitations={all} />}
          </Loaded>
        )}
        <Loaded of={organisation} rows={1}>
          {(known) => <Rules key={known.id} organisation={known} />}
        </Loaded>
      </div>
      {inviting && <Invite onClose={close} />}
    </>
  );
}
