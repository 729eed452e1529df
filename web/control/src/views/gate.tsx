import {Button, Loader, PasswordInput, TextInput} from "@mantine/core";
import {useMutation, useQuery} from "@tanstack/react-query";
import {useEffect, useState, type FormEvent, type ReactNode} from "react";
import {Link, Navigate, useLocation, useNavigate} from "react-router";
import {Problem} from "../api/client";
import {people, type Session} from "../api/people";
import {becomes, useSession} from "../api/queries";
import {asProblem, Callout, FaultAlert, LoadError, Title} from "../parts/bits";
import {Brand} from "../parts/frame";
import {sentence} from "../pure/draft";

export function Gate({
  title,
  lead,
  children,
}: {
  title: string;
  lead?: ReactNode;
  children: ReactNode;
}) {
  return (
    <main className="gate">
      <Title>{title}</Title>
      <div className="card">
        <Brand />
        <h1>{title}</h1>
        {lead && <p className="lead">{lead}</p>}
        {children}
      </div>
    </main>
  );
}

/** A password that is chosen now; its rules are the server's. */
export function NewPasswordInput({
  label,
  value,
  onChange,
  error,
  autoFocus,
}: {
  label: string;
  value: string;
  onChange: (value: string) => void;
  error?: string | undefined;
  autoFocus?: boolean;
}) {
  return (
    <PasswordInput
      label={label}
      description="At least 12 characters. A sentence is easier to remember than signs."
      autoComplete="new-password"
      required
      autoFocus={autoFocus}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={error}
      visibilityToggleButtonProps={{"aria-label": "Show the password"}}
    />
  );
}

/** In place of what a link leads to: `why` it no longer does, unless something else went wrong. */
export function SpentLink({error, why}: {error: Error | null; why: string}) {
  const problem = error && asProblem(error);
  return <p>{problem && problem.status !== 404 ? problem.message : why} Ask for a new one.</p>;
}

/** Views below are for whoever is signed in. */
export function SignedIn({children}: {children: ReactNode}) {
  const session = useSession();
  const place = useLocation();
  if (session.data === null)
    return <Navigate to="/sign-in" replace state={{from: place.pathname}} />;
  if (session.data) {
    if (session.data.mustSetUpTotp && place.pathname !== "/settings/security")
      return <Navigate to="/settings/security" replace />;
    return children;
  }
  return (
    <main className="gate">
      <h1 className="visually-hidden">Hopyard</h1>
      {session.error ? (
        <LoadError error={session.error} again={() => void session.refetch()} />
      ) : (
        <Loader aria-label="Loading" />
      )}
    </main>
  );
}

/** Sentences for what a sign-in form is refused for; a field's own words come from the server. */
const refusals: Record<string, string> = {
  credentials_wrong: "The e-mail address or the password is wrong.",
  code_wrong: "That code is wrong or was used already.",
  setup_token_unknown: "This link was used already, or a newer one has been printed since.",
};

function Refusal({error}: {error: Error | null}) {
  if (!error) return null;
  const problem = asProblem(error);
  if (problem.field) return null;
  const known = refusals[problem.code];
  if (known)
    return (
      <Callout tone="bad">
        <p>{known}</p>
      </Callout>
    );
  return <FaultAlert fault={problem} title="That did not work" />;
}

function useEnter<T>(enter: (body: T) => Promise<Session>, to: string) {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: enter,
    onSuccess: (session) => {
      becomes(session);
      void navigate(to, {replace: true});
    },
  });
}

export const fieldFault = (error: Error | null, field: string) =>
  error instanceof Problem && error.field === field ? sentence(error.message) : undefined;

export function SignIn() {
  const place = useLocation();
  const from = (place.state as {from?: string} | null)?.from ?? "/clusters";
  const known = useQuery({queryKey: ["sign-in"], queryFn: people.signIn});
  const session = useSession();
  const enter = useEnter(people.enter, from);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const failure = enter.error instanceof Problem ? enter.error.code : "";
  const [needsCode, setNeedsCode] = useState(false);
  useEffect(() => {
    if (failure === "code_needed") setNeedsCode(true);
    if (failure === "credentials_wrong") setNeedsCode(false);
  }, [failure]);

  if (session.data) return <Navigate to={from} replace />;
  if (known.data?.setUp === false)
    return (
      <Gate title="Welcome to Hopyard" lead="Nobody has an account here yet.">
        <p>
          Open the one-time link that the server printed when it started. It begins with{" "}
          <code>{window.location.origin}/setup</code>. Starting the server again prints a new one.
        </p>
      </Gate>
    );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate({email, password, ...(needsCode && code ? {code: code.trim()} : {})});
  };
  return (
    <Gate title="Sign in" lead={needsCode ? `Signing in as ${email}` : undefined}>
      <form onSubmit={submit} className="stack">
        {failure !== "code_needed" && <Refusal error={enter.error} />}
        {needsCode ? (
          <TextInput
            label="Code"
            description="Six digits from your authenticator app, or a recovery code"
            autoComplete="one-time-code"
            inputMode="text"
            data-autofocus
            autoFocus
            required
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
        ) : (
          <>
            <TextInput
              label="E-mail"
              type="email"
              autoComplete="username"
              required
              autoFocus
              value={email}
              onChange={(event) => setEmail(event.currentTarget.value)}
            />
            <PasswordInput
              label="Password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              visibilityToggleButtonProps={{"aria-label": "Show the password"}}
            />
          </>
        )}
        <Button type="submit" fullWidth loading={enter.isPending}>
          Sign in
        </Button>
        {needsCode && (
          <Button variant="subtle" fullWidth onClick={() => setNeedsCode(false)}>
            Use another account
          </Button>
        )}
        {!needsCode && known.data?.mail && (
          <Button component={Link} to="/lost-password" variant="subtle" fullWidth>
            Lost your password?
          </Button>
        )}
        {!needsCode && known.data?.mail === false && failure === "credentials_wrong" && (
          <p className="small dim">
            Lost your password? An owner or an administrator can make you a link that sets a new
            one.
          </p>
        )}
      </form>
    </Gate>
  );
}

/** The token behind "#token=" of a link; "" when there is none. */
export const tokenOf = (hash: string) =>
  new URLSearchParams(hash.replace(/^#/, "")).get("token") ?? "";

interface NewPerson {
  token: string;
  name: string;
  email: string;
  password: string;
}

function PersonForm({
  act,
  email,
  save,
  token,
}: {
  act: string;
  email?: string;
  token: string;
  save: (person: NewPerson) => Promise<Session>;
}) {
  const enter = useEnter(save, "/clusters");
  const [name, setName] = useState("");
  const [address, setAddress] = useState(email ?? "");
  const [password, setPassword] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    enter.mutate({token, name, email: address, password});
  };
  return (
    <form onSubmit={submit} className="stack">
      <Refusal error={enter.error} />
      {enter.error instanceof Problem &&
        enter.error.field &&
        !["/name", "/email", "/password"].includes(enter.error.field) && (
          <FaultAlert fault={enter.error} title="That did not work" />
        )}
      <TextInput
        label="Your name"
        autoComplete="name"
        required
        autoFocus
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        error={fieldFault(enter.error, "/name")}
      />
      <TextInput
        label="E-mail"
        type="email"
        autoComplete="username"
        required
        value={address}
        onChange={(event) => setAddress(event.currentTarget.value)}
        error={fieldFault(enter.error, "/email")}
      />
      <NewPasswordInput
        label="Password"
        value={password}
        onChange={setPassword}
        error={fieldFault(enter.error, "/password")}
      />
      <Button type="submit" fullWidth loading={enter.isPending}>
        {act}
      </Button>
    </form>
  );
}

export function SetUp() {
  const [token] = useState(() => tokenOf(window.location.hash));
  return (
    <Gate title="Set up Hopyard" lead="You become the owner of this installation.">
      {token ? (
        <PersonForm act="Set up" token={token} save={people.setUp} />
      ) : (
        <p>This link is not whole. Open the link that the server printed when it started.</p>
      )}
    </Gate>
  );
}

export function AcceptInvitation() {
  const [token] = useState(() => tokenOf(window.location.hash));
  const look = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => people.look(token),
    enabled: token !== "",
    retry: false,
  });
  if (!token || look.error)
    return (
      <Gate title="Invitation">
        <SpentLink
          error={look.error}
          why="This invitation was used already, was withdrawn, or is older than seven days."
        />
      </Gate>
    );
  if (!look.data)
    return (
      <Gate title="Invitation">
        <Loader aria-label="Loading" />
      </Gate>
    );
  const role =
    look.data.role === "administrator"
      ? "an administrator"
      : look.data.role === "owner"
        ? "an owner"
        : "a member";
  return (
    <Gate title={`Join ${look.data.organisation}`} lead={`You become ${role}.`}>
      <PersonForm act="Join" token={token} email={look.data.email ?? ""} save={people.accept} />
    </Gate>
  );
}
