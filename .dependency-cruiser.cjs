// The order of the rooms, lowest first. A room sees only rooms before it, and those only through their index.ts
// (their options.ts too); base, config and crypto are shared vocabulary and are imported file by file.
const floors = [
  ['base'],
  ['config'],
  ['crypto'],
  ['shard'],
  ['backup', 'node'],
  ['chat'],
  ['access'],
  ['api'],
  ['daemon'],
  ['cli'],
]
const open = ['base', 'config', 'crypto']

const rule = (name, comment, { from = {}, to }) => ({ name, comment, severity: 'error', from, to })
const packages = (...names) => `(^|/)node_modules/(${names.join('|')})(/|$)`

const looksDown = floors.flatMap((rooms, floor) =>
  rooms.flatMap((room) => {
    const forbidden = [...rooms.filter((other) => other !== room), ...floors.slice(floor + 1).flat()]
    if (forbidden.length === 0) return []
    const comment = `${room} imports only rooms before it in: ${floors.map((r) => r.join(' · ')).join(' ← ')}`
    const imports = { from: { path: `^src/${room}/` }, to: { path: `^src/(${forbidden.join('|')})/` } }
    return [rule(`${room}-looks-down`, comment, imports)]
  }),
)

const fromSrcBut = (...rooms) => ({ path: '^src/', pathNot: `^src/(${rooms.join('|')})/` })

module.exports = {
  forbidden: [
    ...looksDown,
    rule('no-cycle', 'files depend on each other in one direction', { to: { circular: true } }),
    rule('front-door-only', 'enter another room by its index.ts (or read its options.ts)', {
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/[^/]+/',
        pathNot: [`^src/(${open.join('|')}|$1)/`, '^src/[^/]+/(index|options)\\.ts$', '^src/backup/kernel/index\\.ts$'],
      },
    }),
    rule('known-rooms', 'a new room needs its place in the order', { to: fromSrcBut(...floors.flat()) }),
    rule('libp2p-in-node-only', 'the peer network lives in one room', {
      from: fromSrcBut('node'),
      to: { path: packages('libp2p', '@libp2p', '@chainsafe', '@multiformats', 'datastore-level', 'it-pipe') },
    }),
    rule('http-in-api-only', 'HTTP and WebSocket live in one room', {
      from: fromSrcBut('api'),
      to: { path: packages('fastify', '@fastify', 'fastify-type-provider-zod', 'ws') },
    }),
    rule('terminal-in-cli-only', 'terminal libraries live in one room', {
      from: fromSrcBut('cli'),
      to: { path: packages('commander', '@clack', 'cli-progress', 'cli-table3', 'picocolors') },
    }),
    rule('disk-behind-its-port', 'the disk is src/base/disk.ts; the real one lives in src/daemon/system', {
      from: fromSrcBut('daemon/system', 'cli'),
      to: { path: '^(node:)?fs(/promises)?$', dependencyTypes: ['core'] },
    }),
    rule('no-tools-in-src', 'what runs needs only dependencies, never development tools', {
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    }),
    rule('declared', 'every package that is imported is in package.json', {
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    }),
    rule('resolvable', 'every import exists', { to: { couldNotResolve: true } }),
    rule('vectors-are-independent', 'vectors come from a second implementation', {
      from: { path: '^scripts/vectors' },
      to: { path: '^src/', reachable: true },
    }),
    rule('nothing-imports-tests', 'src and scripts stand without tests', {
      from: { path: '^(src|scripts)/' },
      to: { path: '^(test|bench)/' },
    }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
