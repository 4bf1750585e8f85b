import { defineConfig, type OxlintOverride } from "oxlint";

// Which of our packages each package may import: imports run one way only, upwards in this list.
const packages = ["core", "store", "runner", "cli", "reprise"] as const;

const anotherPackageByPath = {
  regex: `^(\\.\\./)+(packages/)?(${packages.join("|")})/src/`,
  message: "Import another package by its name, never by a path into it.",
};
const deepPath = {
  regex: "^@reprise/[^/]+/",
  message: "Only a package's index is public: import the package by its name.",
};

/** The rule for one package: everything below it in the list is open, itself and everything above it is closed. */
function importsOf(name: (typeof packages)[number]) {
  const closed = packages.slice(packages.indexOf(name)).filter((other) => other !== "reprise");
  const patterns = [
    anotherPackageByPath,
    deepPath,
    {
      regex: "^reprise(/|$)",
      message: "`reprise` is the front door for users; inside, import the package that holds it.",
    },
  ];
  if (closed.length > 0) {
    patterns.push({
      regex: `^@reprise/(${closed.join("|")})$`,
      message: `packages/${name} may import ${packages.slice(0, packages.indexOf(name)).join(", ") || "nothing of ours"}.`,
    });
  }
  return patterns;
}

const frontDoorOnly = [
  { regex: "^@reprise/", message: "Examples, benchmarks and guides use what users have: import from `reprise`." },
  {
    regex: "^(\\.\\./)+packages/",
    message: "Examples, benchmarks and guides use what users have: import from `reprise`.",
  },
];

// packages/core decides and nothing else: no files, no processes, no clock, no chance. Time and ids are arguments.
const impureModules = {
  group: [
    "node:*",
    "node:*/*",
    "!node:crypto",
    "!node:util",
    "!node:buffer",
    "fs",
    "fs/*",
    "os",
    "path",
    "child_process",
  ],
  message: "packages/core is pure: do this in the caller and pass the result in.",
};
const chance = {
  name: "node:crypto",
  importNames: [
    "randomUUID",
    "randomBytes",
    "randomInt",
    "randomFill",
    "randomFillSync",
    "getRandomValues",
    "webcrypto",
  ],
  message: "packages/core is pure: ids and random numbers are arguments.",
};
const impureGlobals = ["process", "performance", "crypto", "console", "fetch", "queueMicrotask", "navigator"].concat([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
]);

const tests = ["**/*.test.ts", "**/*.test-d.ts", "**/*.suite.ts", "**/testing/**"];

export default defineConfig({
  plugins: ["eslint", "typescript", "unicorn", "oxc", "import", "promise", "node", "vitest"],
  jsPlugins: ["./scripts/lint/purity.ts"],
  options: { typeAware: true, denyWarnings: true, reportUnusedDisableDirectives: "error" },
  env: { builtin: true, node: true },
  ignorePatterns: ["**/dist/**", "**/node_modules/**", ".toolchain/**", "coverage/**"],
  categories: { correctness: "error", suspicious: "error", perf: "error" },
  rules: {
    // The ceilings of the house style: a file holds one idea, a function fits on a screen.
    "eslint/max-lines": ["error", { max: 500 }],
    "eslint/max-lines-per-function": ["error", { max: 80 }],
    "unicorn/filename-case": ["error", { case: "kebabCase" }],

    "eslint/eqeqeq": ["error", "always", { null: "ignore" }],
    "eslint/no-var": "error",
    "eslint/prefer-const": "error",
    "import/no-default-export": "error",
    "import/no-cycle": "error",
    "import/no-duplicates": "error",
    "import/first": "error",
    "unicorn/prefer-node-protocol": "error",
    "typescript/consistent-type-imports": "error",
    "typescript/no-import-type-side-effects": "error",

    "typescript/no-explicit-any": "error",
    "typescript/no-non-null-assertion": "error",
    "typescript/no-misused-promises": "error",
    "typescript/only-throw-error": "error",
    "typescript/prefer-promise-reject-errors": "error",
    "typescript/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
    "typescript/strict-boolean-expressions": ["error", { allowNullableBoolean: true, allowNullableString: true }],
    "typescript/no-unsafe-argument": "error",
    "typescript/no-unsafe-call": "error",
    "typescript/no-unsafe-member-access": "error",
    "typescript/no-unsafe-return": "error",
    "typescript/no-unsafe-function-type": "error",
    "typescript/no-deprecated": "error",
    "typescript/prefer-ts-expect-error": "error",

    // TypeScript already checks what a function returns; a body may return on one path and end on another.
    "typescript/consistent-return": "off",
    // Telling the compiler what a check has established is what a codec and a row reader do all day.
    "typescript/no-unsafe-type-assertion": "off",
    "typescript/no-unnecessary-type-parameters": "off",
    // Waiting in order is how a recorder, a lock and a migration work.
    "eslint/no-await-in-loop": "off",
    "eslint/no-shadow": "off",
    "eslint/no-underscore-dangle": "off",
    "promise/always-return": "off",
    "import/no-unassigned-import": "off",
    "unicorn/consistent-function-scoping": "off",
    // Control characters are what a terminal and a canonical encoding are about.
    "eslint/no-control-regex": "off",
    // A table of cases may name its tests.
    "vitest/valid-title": "off",
    // Sorting an array that was made on the line above is not worth a copy.
    "unicorn/no-array-sort": "off",
    "unicorn/no-array-reverse": "off",
  },
  overrides: [
    ...packages.map((name): OxlintOverride => ({
      files: [`packages/${name}/**`],
      rules: { "eslint/no-restricted-imports": ["error", { patterns: importsOf(name) }] },
    })),
    {
      files: ["examples/**", "bench/**", "docs/**"],
      rules: { "eslint/no-restricted-imports": ["error", { patterns: frontDoorOnly }] },
    },
    {
      files: ["packages/core/src/**"],
      excludeFiles: tests,
      rules: {
        "purity/no-clock": "error",
        "eslint/no-restricted-imports": ["error", { patterns: [...importsOf("core"), impureModules], paths: [chance] }],
        "eslint/no-restricted-globals": ["error", ...impureGlobals],
        "eslint/no-restricted-properties": [
          "error",
          { object: "Math", property: "random", message: "packages/core is pure: random numbers are arguments." },
          { object: "Date", property: "now", message: "packages/core is pure: time is an argument." },
          { object: "globalThis", message: "packages/core is pure: what it needs from outside is an argument." },
        ],
      },
    },
    {
      files: tests,
      rules: { "eslint/max-lines-per-function": "off", "typescript/no-non-null-assertion": "off" },
    },
    {
      // Plain JavaScript, which must run before anything is installed, has no types to be strict about.
      files: ["**/*.mjs"],
      rules: {
        "typescript/no-unsafe-argument": "off",
        "typescript/no-unsafe-call": "off",
        "typescript/no-unsafe-member-access": "off",
        "typescript/no-unsafe-return": "off",
        "typescript/strict-boolean-expressions": "off",
      },
    },
    { files: ["*.config.ts", "scripts/lint/*.ts"], rules: { "import/no-default-export": "off" } },
  ],
});
