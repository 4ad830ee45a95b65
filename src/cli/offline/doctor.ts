/** `doctor`: looks at the home, its settings and its daemon, and says for each trouble the command that ends it. */
import { Command } from 'commander'
import { existsSync, readFileSync, statfsSync, statSync } from 'node:fs'
import { toPlexiError } from '../../base/errors.ts'
import type { Cli } from '../cli.ts'
import { size } from '../format.ts'
import type { Session } from '../session.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly text: string
  readonly remedy: string | null
}

/** Share of the disk that should be free. */
const MIN_FREE = 0.05

export function build(cli: Cli): Command {
  return new Command('doctor').action(
    cli.action(async (session) => {
      const checks = [...local(session), await settings(session), ...(await daemon(session))]
      const ok = checks.every((check) => check.ok)
      session.out.document({ ok, checks }, () => {
        const { green, red, dim } = session.out.paint
        return checks
          .flatMap((check) => [
            `${check.ok ? green('✓') : red('✗')} ${check.name}: ${check.text}`,
            ...(check.remedy === null ? [] : [`  ${dim('Fix:')} ${check.remedy}`]),
          ])
          .join('\n')
      })
      return ok ? 0 : 1
    }),
  )
}

function local(session: Session): Check[] {
  const { root, keystore, keyFile } = session.paths
  const checks: Check[] = []
  const vault = existsSync(keystore)
  checks.push(vault ? good('vault', `in ${root}`) : bad('vault', `none in ${root}`, 'plexichat init'))
  for (const path of [root, keystore, keyFile]) {
    if (!existsSync(path) || process.platform === 'win32') continue
    const open = (statSync(path).mode & 0o077) !== 0
    checks.push(
      open ? bad('mode', `${path} is open to other accounts`, `chmod go= ${path}`) : good('mode', `${path} is private`),
    )
  }
  if (existsSync(root)) {
    const { bavail, blocks, bsize } = statfsSync(root)
    const text = `${size(bavail * bsize)} free`
    checks.push(bavail / blocks < MIN_FREE ? bad('disk', `only ${text}`, 'free some space') : good('disk', text))
  }
  return checks
}

async function settings(session: Session): Promise<Check> {
  const { config } = session.paths
  try {
    const { parseSettings } = await import('../../daemon/index.ts')
    const text = existsSync(config) ? readFileSync(config, 'utf8') : undefined
    parseSettings(text, { configPath: config, env: session.io.env })
    return good('settings', text === undefined ? 'the defaults' : `${config} is valid`)
  } catch (thrown) {
    const error = toPlexiError(thrown)
    return bad('settings', error.message, error.remedy)
  }
}

async function daemon(session: Session): Promise<Check[]> {
  try {
    const status = await session.ask('status', {})
    const alarms = status.alarms.map(({ code, text, remedy }) => bad(code, text, remedy))
    return [good('daemon', 'is running'), ...alarms]
  } catch (thrown) {
    const error = toPlexiError(thrown)
    if (error.code === 'SYSTEM_NOT_INITIALISED') return []
    return [bad('daemon', error.message, error.remedy)]
  }
}

function good(name: string, text: string): Check {
  return { name, ok: true, text, remedy: null }
}

function bad(name: string, text: string, remedy: string): Check {
  return { name, ok: false, text, remedy }
}
