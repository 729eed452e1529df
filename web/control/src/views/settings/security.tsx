import {Button, PasswordInput, TextInput} from "@mantine/core";
import qrcode from "qrcode-generator";
import {useMemo, useState, type FormEvent} from "react";
import {Problem} from "../../api/client";
import {people} from "../../api/people";
import {keys, useMe, useSave} from "../../api/queries";
import {asProblem, Callout, CopyLine, FaultAlert, Source} from "../../parts/bits";
import {useNotice} from "../../parts/notices";
import {sentence} from "../../pure/draft";

function Password() {
  const notice = useNotice();
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const save = useSave(people.changePassword, [["sessions"]]);
  const problem = save.error instanceof Problem ? save.error : null;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate(
      {current, new: fresh},
      {
        onSuccess: () => {
          setCurrent("");
          setFresh("");
          notice.good("The password is changed. Your other sessions have ended.");
        },
      },
    );
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>Password</h2>
      {problem && !problem.field && (
        <FaultAlert fault={problem} title="The password was not changed" />
      )}
      <PasswordInput
        label="Current password"
        autoComplete="current-password"
        required
        value={current}
        onChange={(event) => setCurrent(event.currentTarget.value)}
        error={problem?.field === "/current" ? sentence(problem.message) : undefined}
        visibilityToggleButtonProps={{"aria-label": "Show the current password"}}
      />
      <PasswordInput
        label="New password"
        description="At least 12 characters"
        autoComplete="new-password"
        required
        value={fresh}
        onChange={(event) => setFresh(event.currentTarget.value)}
        error={problem?.field === "/new" ? sentence(problem.message) : undefined}
        visibilityToggleButtonProps={{"aria-label": "Show the new password"}}
      />
      <Button
        type="submit"
        style={{justifySelf: "start"}}
        loading={save.isPending}
        disabled={!current || !fresh}
      >
        Change the password
      </Button>
    </form>
  );
}

/** Drawn here: the secret goes to no one else. */
function Code({uri}: {uri: string}) {
  const path = useMemo(() => {
    const code = qrcode(0, "M");
    code.addData(uri);
    code.make();
    const count = code.getModuleCount();
    let d = "";
    for (let row = 0; row < count; ++row)
      for (let column = 0; column < count; ++column)
        if (code.isDark(row, column)) d += `M${column + 4} ${row + 4}h1v1h-1z`;
    return {d, size: count + 8};
  }, [uri]);
  return (
    <svg
      role="img"
      aria-label="QR code for an authenticator app"
      width="208"
      height="208"
      viewBox={`0 0 ${path.size} ${path.size}`}
      shapeRendering="crispEdges"
      style={{background: "#fff", borderRadius: 8}}
    >
      <path d={path.d} fill="#000" />
    </svg>
  );
}

function BeginTotp({onCodes}: {onCodes: (codes: string[]) => void}) {
  const [code, setCode] = useState("");
  const begin = useSave((_: void) => people.beginTotp(), []);
  const confirm = useSave(people.confirmTotp, [keys.session]);
  if (!begin.data)
    return (
      <>
        <p className="dim">
          With two factors, signing in also needs a six-digit code from an app on your phone.
        </p>
        <Button
          style={{justifySelf: "start"}}
          loading={begin.isPending}
          onClick={() => begin.mutate()}
        >
          Set up two factors
        </Button>
      </>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    confirm.mutate(code.trim(), {onSuccess: ({recoveryCodes}) => onCodes(recoveryCodes)});
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p>
        Scan this with your authenticator app, or type the secret into it. Then enter the code that
        it shows.
      </p>
      <Code uri={begin.data.uri} />
      <CopyLine value={begin.data.secret} label="Copy the secret" />
      <TextInput
        label="Code"
        inputMode="numeric"
        autoComplete="one-time-code"
        required
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        error={confirm.error ? sentence(confirm.error.message) : undefined}
        style={{maxWidth: 220}}
      />
      <Button type="submit" style={{justifySelf: "start"}} loading={confirm.isPending}>
        Turn on
      </Button>
    </form>
  );
}

function EndTotp() {
  const {organisation} = useMe();
  const [password, setPassword] = useState("");
  const end = useSave(people.endTotp, [keys.session]);
  if (organisation.requireTotp)
    return <p className="dim">Two factors are on. Your organisation requires them.</p>;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    end.mutate(password);
  };
  return (
    <form className="stack" onSubmit={submit}>
      <p className="dim">Two factors are on. To turn them off, enter your password.</p>
      <PasswordInput
        label="Password"
        autoComplete="current-password"
        required
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
        error={end.error ? sentence(asProblem(end.error).message) : undefined}
        visibilityToggleButtonProps={{"aria-label": "Show the password"}}
      />
      <Button
        type="submit"
        variant="default"
        style={{justifySelf: "start"}}
        loading={end.isPending}
      >
        Turn off
      </Button>
    </form>
  );
}

function TwoFactors() {
  const {person, mustSetUpTotp} = useMe();
  const [codes, setCodes] = useState<string[] | null>(null);
  return (
    <section className="card stack">
      <h2>Two factors</h2>
      {mustSetUpTotp && !codes && (
        <Callout tone="warn" title="Your organisation requires two factors">
          <p>Set them up to go on.</p>
        </Callout>
      )}
      {codes ? (
        <>
          <p>
            Two factors are on. Keep these recovery codes: each signs you in once when you have no
            phone. They are shown this once.
          </p>
          <Source text={codes.join("\n")} label="Recovery codes" />
          <Button style={{justifySelf: "start"}} onClick={() => setCodes(null)}>
            I have kept them
          </Button>
        </>
      ) : person.totp ? (
        <EndTotp />
      ) : (
        <BeginTotp onCodes={setCodes} />
      )}
    </section>
  );
}

export function Security() {
  const {mustSetUpTotp} = useMe();
  return (
    <>
      <TwoFactors />
      {!mustSetUpTotp && <Password />}
    </>
  );
}
