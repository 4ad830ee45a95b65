/**
 * `npm run build`: the program as few files of JavaScript in dist/, for publishing and wherever many processes start:
 * from the sources a start reads some 1,400 modules, from dist/ a dozen. Node strips types in a checkout but not below
 * node_modules, so a package carries dist/. Beside the code lies what it reads at run time (SQL migrations, WASM
 * kernels) at its old place, and the licences of everything that is inside. Further entries may be named, such as the
 * benchmark's: `node scripts/build.ts bench/engine.ts` makes dist/engine.js too.
 */
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join, relative, sep } from 'node:path'
import { build, type Metafile, type Plugin } from 'esbuild'
import { root } from './command.ts'

const source = join(root, 'src')
const dist = join(root, 'dist')

const program = 'cli/main.ts'
/** Each a file of its own, with nothing in it but what it uses: what it shared with the program would bring more along. */
const threads = ['daemon/system/engine-thread.ts', 'backup/sources/sqlite/online-copy-thread.ts']
/** Carried as they are: native addons, found by their own files' places. */
const external = ['better-sqlite3', 'koffi', 'classic-level']
const assets = new Set(['', '.sql', '.wasm', '.json', '.toml'])

rmSync(dist, { recursive: true, force: true })
const inputs = {
  ...(await bundle([join(source, program), ...process.argv.slice(2).map((file) => join(root, file))], true)),
  ...(await bundle(
    threads.map((thread) => join(source, thread)),
    false,
  )),
}
cpSync(source, dist, { recursive: true, filter: (path) => assets.has(extname(path)) })
for (const entry of [program, ...threads]) writeEntry(entry)
writeFileSync(join(dist, 'LICENCES.txt'), licences(inputs))

/** Makes a file in dist/ of each entry, `splitting` off what several need; returns what is inside. */
async function bundle(entries: readonly string[], splitting: boolean): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((file) => ({ in: file, out: flat(file) })),
    outdir: dist,
    bundle: true,
    splitting,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external,
    // Dependencies in CommonJS ask for Node's own modules this way.
    banner: {
      js: "import { createRequire as nodeRequire } from 'node:module'; const require = nodeRequire(import.meta.url);",
    },
    plugins: [placesAsInSources()],
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  })
  return metafile.inputs
}

/** All code lies side by side in dist/, so each module is told the place it had among the sources. */
function placesAsInSources(): Plugin {
  return {
    name: 'places as in sources',
    setup: (building) => {
      building.onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8')
        if (!path.startsWith(source + sep) || !text.includes('import.meta.')) return undefined
        const place = `./${relative(source, path).split(sep).join('/').replace(/\.ts$/, '.js')}`
        return {
          contents: text.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`),
          loader: 'ts',
        }
      })
    },
  }
}

function flat(entry: string): string {
  return basename(entry, '.ts')
}

/** An entry is started by its place among the sources. */
function writeEntry(entry: string): void {
  const file = join(dist, entry.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(file), { recursive: true })
  const target = relative(dirname(file), join(dist, `${flat(entry)}.js`))
    .split(sep)
    .join('/')
  writeFileSync(file, `export * from '${target}'\n`)
}

/** The licence texts of the packages that were built in, once each. */
function licences(inputs: Metafile['inputs']): string {
  const folders = new Set(
    Object.keys(inputs).flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? []),
  )
  return [...folders].sort().map(licenceOf).join('\n')
}

function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const texts = globSync('{LICENSE,LICENCE,COPYING,license,licence}*', { cwd: join(root, folder) })
  const text = texts.map((file) => readFileSync(join(root, folder, file), 'utf8').trim()).join('\n\n')
  return `──── ${name} ${version} (${license ?? 'see its text'})\n\n${text}\n`
}
