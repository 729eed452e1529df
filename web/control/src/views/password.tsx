import {Button, Loader, TextInput} from "@mantine/core";
import {useMutation, useQuery} from "@tanstack/react-query";
import {useState, type FormEvent} from "react";
import {Link} from "react-router";
import {people} from "../api/people";
import {asProblem, Callout, FaultAlert} from "../parts/bits";
import {fieldFault, Gate, NewPasswordInput, SpentLink, tokenOf} from "./gate";

const toSignIn = (
  <Button component={Link} to="/sign-in" variant="subtle" fullWidth>
    To the sign-in
  </Button>
);

/** Says the same whether or not somebody has that address. */
export function LostPassword() {
  const [email, setEmail] = useState("");
  const ask = useMutation({mutationFn: people.askForPasswordReset});
  const submit = (event: FormEvent) => {
    event.preventDefault();
    ask.mutate(email.trim());
  };
  if (ask.isSuccess)
    return (
      <Gate title="Look into your mail">
        <p role="status">
          If somebody signs in with {email.trim()}, a link is on its way there. It sets a new
          password, once, within an hour.
        </p>
        {toSignIn}
      </Gate>
    );
  return (
    <Gate title="Lost your password?" lead="A link that sets a new one is sent to your address.">
      <form onSubmit={submit} className="stack">
        {ask.error && !fieldFault(ask.error, "/email") && (
          <FaultAlert fault={asProblem(ask.error)} title="No link was asked for" />
        )}
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="username"
          required
          autoFocus
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={fieldFault(ask.error, "/email")}
        />
        <Button type="submit" fullWidth loading={ask.isPending}>
          Send the link
        </Button>
        {toSignIn}
      </form>
    </Gate>
  );
}

function PasswordForm({token, email}: {token: string; email: string}) {
  const [password, setPassword] = useState("");
  const set = useMutation({
    mutationFn: () => people.usePasswordReset({token, password}),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    set.mutate();
  };
  if (set.isSuccess)
    return (
      <>
        <Callout tone="info" title="Your password is set">
          <p>Every session has ended. Sign in with the new one.</p>
        </Callout>
        {toSignIn}
      </>
    );
  return (
    <form onSubmit={submit} className="stack">
      {set.error && !fieldFault(set.error, "/password") && (
        <FaultAlert fault={asProblem(set.error)} title="The password was not set" />
      )}
      <TextInput label="E-mail" autoComplete="username" value={email} readOnly />
      <NewPasswordInput
        label="New password"
        autoFocus
        value={password}
        onChange={setPassword}
        error={fieldFault(set.error, "/password")}
      />
      <Button type="submit" fullWidth loading={set.isPending}>
        Set the password
      </Button>
    </form>
  );
}

export function NewPassword() {
  const [token] = useState(() => tokenOf(window.location.hash));
  const look = useQuery({
    queryKey: ["password-reset", token],
    queryFn: () => people.lookAtPasswordReset(token),
    enabled: token !== "",
    retry: false,
    staleTime: Infinity,
  });
  if (!token || look.error)
    return (
      <Gate title="A new password">
        <SpentLink
          error={look.error}
          why="This link was used already, is older than an hour, or a newer one was made."
        />
        {toSignIn}
      </Gate>
    );
  return (
    <Gate title="A new password" lead={look.data ? `Of ${look.data.name}` : undefined}>
      {look.data ? (
        <PasswordForm token={token} email={look.data.email} />
      ) : (
        <Loader aria-label="Loading" />
      )}
    </Gate>
  );
}
