/** Options of `daemon`, `up` and `restart`: settings that the command line decides for one run. */
import type { Command } from 'commander'
import { collect, given, integerOption } from './cli.ts'

export interface DaemonOptions {
  readonly listen?: string[]
  readonly bootstrap?: string[]
  readonly apiPort?: number
  readonly circle?: string
}

export function withDaemonOptions(command: Command): Command {
  return command
    .option('--listen <multiaddr>', 'where others reach this daemon; may be repeated', collect)
    .option('--bootstrap <multiaddr>', 'members of the circle to ask first; may be repeated', collect)
    .option('--api-port <port>', 'port of the HTTP API; 0: chosen by the system', integerOption(0, 65_535))
    .option('--circle <circle>', 'the circle to be in')
}

/** By setting name. */
export function settingFlags(options: DaemonOptions): Readonly<Record<string, unknown>> {
  return given({
    'network.listen': options.listen,
    'network.bootstrap': options.bootstrap,
    'api.port': options.apiPort,
    'network.circle': options.circle,
  })
}

/** The same options as arguments for a daemon that is started by us. */
export function daemonArguments(options: DaemonOptions): string[] {
  return [
    ...(options.listen ?? []).flatMap((address) => ['--listen', address]),
    ...(options.bootstrap ?? []).flatMap((address) => ['--bootstrap', address]),
    ...(options.apiPort === undefined ? [] : ['--api-port', String(options.apiPort)]),
    ...(options.circle === undefined ? [] : ['--circle', options.circle]),
  ]
}
