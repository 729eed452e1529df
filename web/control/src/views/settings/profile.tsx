import {Button, SegmentedControl, TextInput, useMantineColorScheme} from "@mantine/core";
import {useState, type FormEvent} from "react";
import {Problem} from "../../api/client";
import {people} from "../../api/people";
import {keys, useMe, useSave} from "../../api/queries";
import {useNotice} from "../../parts/notices";
import {sentence} from "../../pure/draft";

export function Profile() {
  const {person, organisation} = useMe();
  const notice = useNotice();
  const {colorScheme, setColorScheme} = useMantineColorScheme();
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email);
  const save = useSave(people.changeMe, [keys.session]);
  const fault = (field: string) =>
    save.error instanceof Problem && save.error.field === field
      ? sentence(save.error.message)
      : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save.mutate({name: name.trim(), email: email.trim()}, {onSuccess: () => notice.good("Saved")});
  };
  return (
    <>
      <form className="card stack" onSubmit={submit}>
        <h2>Profile</h2>
        <TextInput
          label="Name"
          autoComplete="name"
          required
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={fault("/name")}
        />
        <TextInput
          label="E-mail"
          type="email"
          autoComplete="email"
          required
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
          error={fault("/email")}
        />
        <p className="small dim">
          You are{" "}
          {person.role === "member"
            ? "a member"
            : person.role === "owner"
              ? "an owner"
              : "an administrator"}{" "}
          of {organisation.name}.
        </p>
        <Button
          type="submit"
          style={{justifySelf: "start"}}
          loading={save.isPending}
          disabled={name === person.name && email === person.email}
        >
          Save
        </Button>
      </form>
      <section className="card stack">
        <h2>Colours</h2>
        <SegmentedControl
          aria-label="Colours"
          style={{justifySelf: "start"}}
          value={colorScheme}
          onChange={(value) => setColorScheme(value as typeof colorScheme)}
          data={[
            {value: "auto", label: "As the system"},
            {value: "light", label: "Light"},
            {value: "dark", label: "Dark"},
          ]}
        />
      </section>
    </>
  );
}
