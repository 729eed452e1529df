import type {components} from "../../generated/api";
import {api, done} from "./client";

type Schemas = components["schemas"];
export type Session = Schemas["Session"];
export type Role = Session["person"]["role"];
export type InvitedRole = Exclude<Role, "owner">;
export type OpenSession = Schemas["OwnSession"];
export type Organisation = Schemas["Organisation"];
export type Member = Schemas["Member"];
export type Invitation = Schemas["Invitation"];

interface NewPerson {
  token: string;
  name: string;
  email: string;
  password: string;
}

const path = (id: string) => ({params: {path: {id}}});

export const people = {
  signIn: () => done(api.GET("/v1/sign-in")),
  setUp: (body: NewPerson) => done(api.POST("/v1/setup", {body})),
  enter: (body: {email: string; password: string; code?: string}) =>
    done(api.POST("/v1/session", {body})),
  session: () => done(api.GET("/v1/session")),
  leave: () => done(api.DELETE("/v1/session")),
  sessions: async () => (await done(api.GET("/v1/sessions"))).items,
  endSession: (id: string) => done(api.DELETE("/v1/sessions/{id}", path(id))),
  changeMe: (body: {name?: string; email?: string}) => done(api.PATCH("/v1/me", {body})),
  changePassword: (body: {current: string; new: string}) =>
    done(api.PUT("/v1/me/password", {body})),
  beginTotp: () => done(api.POST("/v1/me/totp")),
  confirmTotp: (code: string) => done(api.PUT("/v1/me/totp", {body: {code}})),
  endTotp: (password: string) => done(api.DELETE("/v1/me/totp", {body: {password}})),
  organisation: () => done(api.GET("/v1/organisation")),
  changeOrganisation: (body: Partial<Omit<Organisation, "id">>) =>
    done(api.PATCH("/v1/organisation", {body})),
  members: async () => (await done(api.GET("/v1/members"))).items,
  setRole: (id: string, role: Role) =>
    done(api.PATCH("/v1/members/{id}", {...path(id), body: {role}})),
  removeMember: (id: string) => done(api.DELETE("/v1/members/{id}", path(id))),
  invitations: async () => (await done(api.GET("/v1/invitations"))).items,
  resetPassword: (id: string) => done(api.POST("/v1/members/{id}/password-reset", path(id))),
  askForPasswordReset: (email: string) => done(api.POST("/v1/password-resets", {body: {email}})),
  lookAtPasswordReset: (token: string) =>
    done(api.POST("/v1/password-resets/look", {body: {token}})),
  usePasswordReset: (body: {token: string; password: string}) =>
    done(api.POST("/v1/password-resets/use", {body})),
  invite: (body: {email?: string; role: InvitedRole; mail?: boolean}) =>
    done(api.POST("/v1/invitations", {body})),
  withdraw: (id: string) => done(api.DELETE("/v1/invitations/{id}", path(id))),
  look: (token: string) => done(api.POST("/v1/invitations/look", {body: {token}})),
  accept: (body: NewPerson) => done(api.POST("/v1/invitations/accept", {body})),
};
