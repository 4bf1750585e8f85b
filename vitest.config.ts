import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: [
      { find: /^reprise$/, replacement: fileURLToPath(new URL("./packages/reprise/src/index.ts", import.meta.url)) },
    ],
  },
  test: {
    // Tests spawn, signal and kill real processes: each file has a process of its own, and time for what it starts.
    pool: "forks",
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Thousands of pipeline runs need no copy of the program that they execute; tests of copies turn it on.
    env: { REPRISE_KEEP_CODE: "off" },
    projects: [
      {
        extends: true,
        test: { name: "sources", include: ["packages/{core,store,runner}/src/**/*.test.ts"] },
      },
      {
        // These run `reprise` as users do, in processes of its own: the package is built before the first of them.
        extends: true,
        test: {
          name: "built",
          include: ["packages/{cli,reprise}/src/**/*.test.ts", "{examples,bench,scripts}/**/*.test.ts"],
          globalSetup: ["./scripts/test-setup.ts"],
        },
      },
    ],
  },
});
