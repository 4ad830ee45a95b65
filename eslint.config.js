// The house rules as lint. Types decide most of it; the rest keeps time, randomness and the disk behind their ports,
// files and functions small, and exports named. Size limits count neither blank lines nor comments.
import tseslint from 'typescript-eslint'

const typed = ['src/**/*.ts', 'test/**/*.ts', 'scripts/**/*.ts', 'bench/**/*.ts']
const plain = ['bin/plexichat', 'bin/plexichat-open', '*.js', '*.cjs']

const ports = 'take the port from src/base instead; the real one lives in src/daemon/system'

const bannedGlobals = ['setTimeout', 'setInterval', 'setImmediate', 'performance'].map((name) => ({
  name,
  message: `${name}: ${ports}`,
}))

const bannedProperties = [
  { object: 'Date', property: 'now', message: ports },
  { object: 'Math', property: 'random', message: ports },
  { object: 'performance', property: 'now', message: ports },
  { object: 'process', property: 'hrtime', message: ports },
  ...['setTimeout', 'setInterval', 'setImmediate', 'performance', 'crypto'].map((property) => ({
    object: 'globalThis',
    property,
    message: ports,
  })),
]

const diskModules = ['fs', 'fs/promises', 'node:fs', 'node:fs/promises', 'node:timers', 'node:timers/promises']
const drawnRandomness = ['randomBytes', 'randomFill', 'randomFillSync', 'randomInt', 'randomUUID', 'webcrypto']
const bannedRandomness = ['crypto', 'node:crypto'].map((name) => ({
  name,
  importNames: drawnRandomness,
  message: ports,
}))
const bannedImports = [...diskModules.map((name) => ({ name, message: ports })), ...bannedRandomness]

const houseSyntax = [
  { selector: 'ExportDefaultDeclaration', message: 'named exports only' },
  { selector: 'ExportAllDeclaration', message: 'list what is exported; no `export *`' },
  { selector: 'TSEnumDeclaration', message: 'no enums: a const object or a union of literals' },
  {
    selector: 'ImportDeclaration[source.value="zod"] ImportSpecifier',
    message: "import * as z from 'zod': a bundle then carries what is used, not 600 KB",
  },
]
const bareDate = {
  selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
  message: `new Date() without an argument reads the clock: ${ports}`,
}
const dateCall = { selector: 'CallExpression[callee.name="Date"]', message: `Date() reads the clock: ${ports}` }

const counted = { skipBlankLines: true, skipComments: true }
const sizes = {
  'max-params': ['error', 3],
  'max-lines-per-function': ['error', { max: 60, ...counted }],
  'max-lines': ['error', { max: 300, ...counted }],
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.tap/', 'coverage/', 'test/vectors/', 'bench/results/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: typed,
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...sizes,
      eqeqeq: 'error',
      'no-console': 'error',
      'no-restricted-syntax': ['error', ...houseSyntax],
      'no-template-curly-in-string': 'error',
      'object-shorthand': 'error',
      'prefer-object-has-own': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-invalid-void-type': ['error', { allowInGenericTypeArguments: true }],
      // A port's method may be async only so that what it throws becomes a rejection.
      '@typescript-eslint/require-await': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/daemon/system/**'],
    rules: {
      'no-restricted-globals': ['error', ...bannedGlobals],
      'no-restricted-properties': ['error', ...bannedProperties],
      'no-restricted-imports': ['error', { paths: bannedImports }],
      'no-restricted-syntax': ['error', ...houseSyntax, bareDate, dateCall],
    },
  },
  {
    // Offline commands and the launcher of the daemon read files the user named; waiting and dice stay behind ports.
    files: ['src/cli/**/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: bannedRandomness }] },
  },
  {
    // A test reads as one story, however long; it may use the real clock and disk.
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600, ...counted }],
      'max-params': ['error', 4],
      'no-console': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafePromises: [{ from: 'package', package: '@tapjs/core', name: 'PromiseWithSubtest' }] },
      ],
    },
  },
  {
    // One table of plain data; its row maker names five columns.
    files: ['src/base/error-table.ts'],
    rules: { 'max-lines': 'off', 'max-params': 'off' },
  },
  { files: ['scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: plain,
    extends: [tseslint.configs.base],
    languageOptions: { ecmaVersion: 2024, sourceType: 'module' },
    rules: {
      'max-params': ['error', 3],
      'max-lines-per-function': ['error', { max: 60, ...counted }],
      eqeqeq: 'error',
      'no-unused-vars': 'error',
      'no-undef': 'off',
      'no-var': 'error',
      'prefer-const': 'error',
    },
  },
)
