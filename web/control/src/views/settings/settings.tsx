import {Navigate, NavLink, useParams} from "react-router";
import type {ReactNode} from "react";
import {useMe} from "../../api/queries";
import {Title} from "../../parts/bits";
import {ApiKeys} from "./keys";
import {CloudAccounts} from "./clouds";
import {Profile} from "./profile";
import {Security} from "./security";
import {Sessions} from "./sessions";

const parts: Record<string, {label: string; view: () => ReactNode; administrators?: true}> = {
  profile: {label: "Profile", view: Profile},
  security: {label: "Security", view: Security},
  sessions: {label: "Sessions", view: Sessions},
  "cloud-accounts": {label: "Cloud accounts", view: CloudAccounts},
  "api-keys": {label: "API keys", view: ApiKeys, administrators: true},
};

export function Settings() {
  const {part = ""} = useParams();
  const {may} = useMe();
  const shown = parts[part];
  if (!shown || (shown.administrators && !may.administer))
    return <Navigate to="/settings/profile" replace />;
  const View = shown.view;
  return (
    <>
      <Title>{`${shown.label} · Settings`}</Title>
      <div className="page-head">
        <h1>Settings</h1>
      </div>
      <nav className="tabs" aria-label="Parts of the settings">
        {Object.entries(parts)
          .filter(([, {administrators}]) => !administrators || may.administer)
          .map(([slug, {label}]) => (
            <NavLink key={slug} to={`/settings/${slug}`}>
              {label}
            </NavLink>
          ))}
      </nav>
      <div className="stack wide" style={{maxWidth: 760}}>
        <View />
      </div>
    </>
  );
}
