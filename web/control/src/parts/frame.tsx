import {
  ActionIcon,
  Loader,
  Menu,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import {
  IconArchive,
  IconChartBar,
  IconLogout,
  IconMoon,
  IconPlugConnectedX,
  IconServer2,
  IconSettings,
  IconSun,
  IconUserCircle,
  IconUsers,
} from "@tabler/icons-react";
import {Suspense, useEffect} from "react";
import {NavLink, Link, Outlet, useNavigate} from "react-router";
import {people} from "../api/people";
import {useMe} from "../api/queries";
import {startLive, useConnection} from "../live/live";

export function Brand({to}: {to?: string}) {
  const inside = (
    <>
      <svg width="26" height="26" viewBox="0 0 32 32" aria-hidden>
        <rect width="32" height="32" rx="8" fill="#1f7a5c" />
        <path
          d="M9 7v18M23 7v18M9 16h14"
          stroke="#fff"
          strokeWidth="3.2"
          strokeLinecap="round"
          fill="none"
        />
        <circle cx="16" cy="16" r="3.4" fill="#bff0dc" />
      </svg>
      Hopyard
    </>
  );
  return to ? (
    <Link className="brand" to={to}>
      {inside}
    </Link>
  ) : (
    <div className="brand">{inside}</div>
  );
}

export function SchemeSwitch() {
  const {setColorScheme} = useMantineColorScheme();
  const dark = useComputedColorScheme("light") === "dark";
  const label = dark ? "Use light colours" : "Use dark colours";
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      onClick={() => setColorScheme(dark ? "light" : "dark")}
      aria-label={label}
      title={label}
    >
      {dark ? <IconSun size={20} /> : <IconMoon size={20} />}
    </ActionIcon>
  );
}

function PersonMenu() {
  const {person} = useMe();
  const navigate = useNavigate();
  const leave = async () => {
    await people.leave().catch(() => undefined);
    // A new page: nothing of this person stays in memory.
    window.location.replace("/sign-in");
  };
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="lg"
          aria-label={`Account of ${person.name}`}
        >
          <IconUserCircle size={22} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{person.name}</Menu.Label>
        <Menu.Item
          leftSection={<IconSettings size={16} />}
          onClick={() => void navigate("/settings")}
        >
          Settings
        </Menu.Item>
        <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Lost() {
  const connection = useConnection();
  return (
    <div role="status" aria-live="polite">
      {connection === "lost" && (
        <div className="lost">
          <IconPlugConnectedX size={20} aria-hidden />
          The connection to the server is lost. What you see may be old; it is tried again by
          itself.
        </div>
      )}
    </div>
  );
}

const places = [
  {to: "/clusters", label: "Clusters", icon: <IconServer2 size={20} aria-hidden />},
  {to: "/members", label: "Members", icon: <IconUsers size={20} aria-hidden />},
  {to: "/backups", label: "Backups", icon: <IconArchive size={20} aria-hidden />},
  {to: "/usage", label: "Usage", icon: <IconChartBar size={20} aria-hidden />},
];

export function Frame() {
  const {organisation} = useMe();
  useEffect(startLive, []);
  return (
    <div className="frame">
      <a className="skip" href="#content">
        Skip to content
      </a>
      <header className="top">
        <Brand to="/clusters" />
        <span className="organisation">{organisation.name}</span>
        <div className="row tight push">
          <SchemeSwitch />
          <PersonMenu />
        </div>
      </header>
      <div className="side">
        <nav aria-label="Main">
          {places.map(({to, label, icon}) => (
            <NavLink key={to} to={to}>
              {icon}
              {label}
            </NavLink>
          ))}
        </nav>
      </div>
      <div style={{minWidth: 0}}>
        <Lost />
        <main className="content" id="content" tabIndex={-1}>
          <Suspense fallback={<Loader aria-label="Loading" />}>
            <Outlet />
          </Suspense>
        </main>
      </div>
    </div>
  );
}
