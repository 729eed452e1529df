import {call} from "./client";

export type Role = "owner" | "administrator" | "member";
export interface Person {
  id: string;
  name: string;
  email: string;
  role: Role;
  totp: boolean;
}
export interface Session {
  person: Person;
  organisation: {id: string; name: string; plan: "community" | "enterprise"; requireTotp: boolean};
  may: {invite: boolean; manageClusters: boolean; managePorts: boolean; administer: boolean};
  sessionId: string;
  mustSetUpTotp: boolean;
}
export interface OpenSession {
  id: string;
  createdAt: string;
  lastSeenAt: string;
  address: string;
  userAgent: string;
  current: boolean;
}
export interface Organisation {
  id: string;
  name: string;
  plan: "community" | "enterprise";
  requireTotp: boolean;
  permissions: {inviteMembers: boolean; manageClusters: boolean; managePorts: boolean};
}
export interface Member extends Person {
  joinedAt: string;
  lastSeenAt: string | null;
}
export interface Invitation {
  id: string;
  email: string | null;
  role: Role;
  invitedBy: string;
  createdAt: string;
  expiresAt: string;
}
interface List<T> {
  items: T[];
}

const items = async <T>(path: string) => (await call<List<T>>("GET", path)).items;

export const people = {
  signIn: () => call<{setUp: boolean; product: string; version: string}>("GET", "/v1/sign-in"),
  setUp: (body: {token: string; name: string; email: string; password: string}) =>
    call<Session>("POST", "/v1/setup", body),
  enter: (body: {email: string; password: string; code?: string}) =>
    call<Session>("POST", "/v1/session", body),
  session: () => call<Session>("GET", "/v1/session"),
  leave: () => call<void>("DELETE", "/v1/session"),
  sessions: () => items<OpenSession>("/v1/sessions"),
  endSession: (id: string) => call<void>("DELETE", `/v1/sessions/${encodeURIComponent(id)}`),
  changeMe: (body: {name?: string; email?: string}) => call<Person>("PATCH", "/v1/me", body),
  changePassword: (body: {current: string; new: string}) =>
    call<void>("PUT", "/v1/me/password", body),
  beginTotp: () => call<{secret: string; uri: string}>("POST", "/v1/me/totp"),
  confirmTotp: (code: string) => call<{recoveryCodes: string[]}>("PUT", "/v1/me/totp", {code}),
  endTotp: (password: string) => call<void>("DELETE", "/v1/me/totp", {password}),
  organisation: () => call<Organisation>("GET", "/v1/organisation"),
  changeOrganisation: (body: {
    name?: string;
    plan?: Organisation["plan"];
    requireTotp?: boolean;
    permissions?: Organisation["permissions"];
  }) => call<Organisation>("PATCH", "/v1/organisation", body),
  members: () => items<Member>("/v1/members"),
  setRole: (id: string, role: Role) =>
    call<Member>("PATCH", `/v1/members/${encodeURIComponent(id)}`, {role}),
  removeMember: (id: string) => call<void>("DELETE", `/v1/members/${encodeURIComponent(id)}`),
  invitations: () => items<Invitation>("/v1/invitations"),
  invite: (body: {email?: string; role: Role}) =>
    call<Invitation & {link: string}>("POST", "/v1/invitations", body),
  withdraw: (id: string) => call<void>("DELETE", `/v1/invitations/${encodeURIComponent(id)}`),
  look: (token: string) =>
    call<{organisation: string; role: Role; email: string | null}>("POST", "/v1/invitations/look", {
      token,
    }),
  accept: (body: {token: string; name: string; email: string; password: string}) =>
    call<Session>("POST", "/v1/invitations/accept", body),
};
