import {
  convertCssVariables,
  DEFAULT_THEME,
  defaultCssVariablesResolver,
  mergeMantineTheme,
} from "@mantine/core";
import react from "@vitejs/plugin-react";
import {defineConfig, type Plugin} from "vite";
import {resolver, theme} from "./src/look/theme.ts";

/** The theme's variables as a file, because the page's policy allows no style elements. */
function themeFile(): Plugin {
  const name = "virtual:theme.css";
  return {
    name: "theme-file",
    resolveId: (id) => (id === name ? "\0" + name : undefined),
    load(id) {
      if (id !== "\0" + name) return undefined;
      const merged = mergeMantineTheme(DEFAULT_THEME, theme);
      const standard = defaultCssVariablesResolver(merged);
      const own = resolver(merged);
      return convertCssVariables(
        {
          variables: {...standard.variables, ...own.variables},
          light: {...standard.light, ...own.light},
          dark: {...standard.dark, ...own.dark},
        },
        ":root",
      );
    },
  };
}

export default defineConfig({
  plugins: [react(), themeFile()],
  build: {
    target: ["chrome123", "firefox121", "safari17.5"],
    modulePreload: {polyfill: false},
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
});
