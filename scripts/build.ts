/**
 * `npm run build`: JavaScript for publishing. Node strips types in a checkout but not below node_modules, so a package
 * carries dist/: the emitted sources and, beside them, what they read at run time (SQL migrations, WASM kernels).
 */
import { cpSync, rmSync } from 'node:fs'
import { extname, join } from 'node:path'
import { root, run } from './command.ts'

const carried = new Set(['', '.sql', '.wasm', '.json', '.toml'])

const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })
const compiled = await run('tsc', ['-p', 'tsconfig.build.json'])
process.stdout.write(compiled.output)
if (compiled.exitCode === 0) {
  cpSync(join(root, 'src'), dist, { recursive: true, filter: (path) => carried.has(extname(path)) })
}
process.exitCode = compiled.exitCode
