import {defineConfig} from "vitest/config";

// Pure logic only: no page, no clock, no network.
export default defineConfig({test: {include: ["src/**/*.test.ts"], environment: "node"}});
