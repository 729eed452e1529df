import {lazy, Suspense} from "react";
import {BrowserRouter, Link, Navigate, Route, Routes as Switch} from "react-router";
import {Empty, Title} from "../parts/bits";
import {Frame} from "../parts/frame";
import {Clusters} from "./clusters";
import {AcceptInvitation, SetUp, SignedIn, SignIn} from "./gate";
import {Backups} from "./later";

// What the first view does not need comes when it is asked for.
const Wizard = lazy(async () => ({default: (await import("./wizard/wizard")).Wizard}));
const ClusterPage = lazy(async () => ({default: (await import("./cluster/page")).ClusterPage}));
const Members = lazy(async () => ({default: (await import("./members")).Members}));
const LostPassword = lazy(async () => ({default: (await import("./password")).LostPassword}));
const NewPassword = lazy(async () => ({default: (await import("./password")).NewPassword}));
const Usage = lazy(async () => ({default: (await import("./usage")).Usage}));
const Simulate = lazy(async () => ({default: (await import("./simulate/simulate")).Simulate}));
const Settings = lazy(async () => ({default: (await import("./settings/settings")).Settings}));

function Nowhere() {
  return (
    <>
      <Title>Not found</Title>
      <div className="page-head">
        <h1>Not found</h1>
      </div>
      <Empty icon={null} title="There is no such page">
        <Link to="/clusters">To the clusters</Link>
      </Empty>
    </>
  );
}

export function Routes() {
  return (
    <BrowserRouter>
      <Switch>
        <Route path="/setup" element={<SetUp />} />
        <Route path="/invitation" element={<AcceptInvitation />} />
        <Route path="/sign-in" element={<SignIn />} />
        <Route path="/lost-password" element={<Suspense children={<LostPassword />} />} />
        <Route path="/new-password" element={<Suspense children={<NewPassword />} />} />
        <Route
          element={
            <SignedIn>
              <Frame />
            </SignedIn>
          }
        >
          <Route path="/" element={<Navigate to="/clusters" replace />} />
          <Route path="/clusters" element={<Clusters />} />
          <Route path="/clusters/new" element={<Wizard />} />
          <Route path="/clusters/new/:step" element={<Wizard />} />
          <Route path="/clusters/:id" element={<ClusterPage />} />
          <Route path="/clusters/:id/:tab" element={<ClusterPage />} />
          <Route path="/autoscale/simulate" element={<Simulate />} />
          <Route path="/members" element={<Members />} />
          <Route path="/backups" element={<Backups />} />
          <Route path="/usage" element={<Usage />} />
          <Route path="/settings" element={<Navigate to="/settings/profile" replace />} />
          <Route path="/settings/:part" element={<Settings />} />
          <Route path="*" element={<Nowhere />} />
        </Route>
      </Switch>
    </BrowserRouter>
  );
}
