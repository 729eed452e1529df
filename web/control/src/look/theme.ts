import {createTheme, type CSSVariablesResolver, type MantineColorsTuple} from "@mantine/core";

const hop: MantineColorsTuple = [
  "#eaf8f2",
  "#d5efe4",
  "#a8dfc9",
  "#78ceac",
  "#52bf93",
  "#39b683",
  "#28a876",
  "#1f8a61",
  "#1b7452",
  "#125c40",
];

/** Also read by the build, which writes its variables to a style sheet. */
export const theme = createTheme({
  primaryColor: "hop",
  primaryShade: 8,
  colors: {hop},
  defaultRadius: "md",
  fontFamily:
    'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Ubuntu, Cantarell, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, SFMono-Regular, "Cascadia Mono", "DejaVu Sans Mono", Menlo, monospace',
  headings: {
    fontWeight: "650",
    sizes: {
      h1: {fontSize: "1.5rem", lineHeight: "1.3"},
      h2: {fontSize: "1.125rem", lineHeight: "1.4"},
    },
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    // Nearly every field is needed; those that are not say so.
    InputWrapper: {defaultProps: {withAsterisk: false}},
    // The library would lock scrolling with a style element, which the page's policy refuses.
    Modal: {defaultProps: {lockScroll: false, overlayProps: {backgroundOpacity: 0.45}}},
  },
});

/** Contrast of at least 4.5 to 1 on every surface we use (WCAG 2.2, 1.4.3). */
export const resolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#59636e",
    "--mantine-color-placeholder": "#6a737d",
    "--mantine-color-error": "#c22727",
    "--mantine-color-anchor": "#146246",
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#1d2329",
    "--hop-surface": "#ffffff",
    "--hop-ground": "#f6f8f7",
    "--hop-line": "#dfe4e2",
    "--hop-soft": "#eef3f1",
  },
  dark: {
    "--mantine-color-dimmed": "#a9b3b0",
    "--mantine-color-placeholder": "#98a19e",
    "--mantine-color-error": "#ff8f8f",
    "--mantine-color-anchor": "#78ceac",
    "--mantine-color-body": "#1a1e1d",
    "--mantine-color-text": "#dfe5e2",
    "--hop-surface": "#1f2423",
    "--hop-ground": "#161a19",
    "--hop-line": "#333a38",
    "--hop-soft": "#272d2b",
  },
});
