/** The command line as commander sees it: global options, and of all commands only the one asked for loaded. */
import { Command, CommanderError } from 'commander'
import { errorTable, type ErrorCode } from '../base/error-table.ts'
import { PlexiError, toPlexiError } from '../base/errors.ts'
import { Cli, durationOption, globalOptions } from './cli.ts'
import { commandTable } from './command-table.ts'
import type { CliIo } from './io.ts'
import { Output } from './output.ts'

/** Global options that take a value, needed to find the command's name before parsing. */
const VALUE_OPTIONS = new Set(['--home', '--timeout'])
/** Mistakes on the command line: how it should be is told by the help. */
const HELPED_BY_HELP: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['VALIDATION_USAGE', 'VALIDATION_FORMAT'])
const HELP_CODES = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version'])

/** Runs one command line; resolves to the exit code. Never throws. */
export async function runCli(io: CliIo): Promise<number> {
  const cli: Cli = new Cli(io, () => buildProgram(cli, () => true))
  let program: Command | undefined
  try {
    const args = commandLine(io.args)
    const wanted = commandName(args)
    program = await buildProgram(cli, (name) => name === wanted)
    await program.parseAsync(args, { from: 'user' })
    return cli.exitCode
  } catch (thrown) {
    if (thrown instanceof CommanderError && HELP_CODES.has(thrown.code) && thrown.exitCode === 0) return 0
    const asked = askedFor(program, operandsOf(io.args))
    return tellFailure(io, thrown instanceof CommanderError ? usageError(thrown, asked) : thrown, asked.path)
  }
}

/** Prints what went wrong; returns the exit code. `command`: the names of the command that failed, for its help. */
export function tellFailure(io: CliIo, thrown: unknown, command: readonly string[] = []): number {
  const error = withHelpOf(command, toPlexiError(thrown))
  const { home, ...options } = roughOptions(io.args)
  new Output(options, io).error(error, home)
  return error.exitCode
}

/** Where whoever threw knew no better than the table, the help of the command in question. */
function withHelpOf(command: readonly string[], error: PlexiError): PlexiError {
  const isOfTable = error.remedy === errorTable[error.code].remedy
  if (command.length === 0 || !HELPED_BY_HELP.has(error.code) || !isOfTable) return error
  const remedy = command.length === 1 ? `plexichat help ${command.join('')}` : `plexichat ${command.join(' ')} --help`
  const { code, details, message } = error
  return new PlexiError(code, details, { message, remedy, cause: error.cause ?? error })
}

interface Asked {
  /** Names of the command, each below the one before. */
  readonly path: readonly string[]
  /** The operand after them, where a name was expected. */
  readonly unknown?: string
}

function askedFor(program: Command | undefined, operands: readonly string[]): Asked {
  const path: string[] = []
  let command = program
  for (const name of operands) {
    const below = command?.commands ?? []
    const found = below.find((one) => one.name() === name)
    if (found === undefined) return below.length === 0 ? { path } : { path, unknown: name }
    path.push(name)
    command = found
  }
  return { path }
}

/** Without a command: the one sentence of `status`, or the version. */
function commandLine(args: readonly string[]): readonly string[] {
  if (commandName(args) !== undefined || asksForHelp(args)) return args
  const isVersion = (arg: string): boolean => arg === '--version' || arg === '-V'
  if (args.some(isVersion)) return ['version', ...args.filter((arg) => !isVersion(arg))]
  return ['status', '--sentence', ...args]
}

/** Commands that are not loaded are names for help and suggestions. */
async function buildProgram(cli: Cli, isWanted: (name: string) => boolean): Promise<Command> {
  const program = new Command('plexichat')
    .description('Encrypted backups on the machines of people you know. Without a command: is everything protected?')
    .option('--home <dir>', 'the home of the vault (else $PLEXICHAT_HOME, $XDG_DATA_HOME/plexichat)')
    .option('--json', 'machine-readable output')
    .option('-q, --quiet', 'no notes, no progress')
    .option('-v, --verbose', 'more about errors; twice for even more', (_text, before: number) => before + 1, 0)
    .option('--no-color', 'no colours')
    .option('--no-progress', 'no progress')
    .option('-y, --yes', 'do not ask')
    .option('--timeout <seconds>', 'give up after this long', durationOption)
    .helpCommand('help [command]', 'help for a command')
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => cli.io.stdout.write(text),
      writeErr: (text) => cli.io.stderr.write(text),
      // Errors are printed once, in our own form.
      outputError: () => undefined,
    })
  for (const { name, summary, group, load } of commandTable) {
    const command = isWanted(name) ? (await load()).build(cli) : new Command(name)
    program.addCommand(inherit(command.description(summary).helpGroup(group), program))
  }
  return program
}

function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent)
  for (const sub of command.commands) inherit(sub, command)
  return command
}

/** The first argument that is not an option; of `help X` the X. */
function commandName(args: readonly string[]): string | undefined {
  return operandsOf(args)[0]
}

/** Arguments that are no options, nor values of global ones; without a leading `help`. */
function operandsOf(args: readonly string[]): string[] {
  const operands: string[] = []
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] as string
    if (arg === '--') break
    if (VALUE_OPTIONS.has(arg)) i++
    else if (!arg.startsWith('-')) operands.push(arg)
  }
  return operands[0] === 'help' ? operands.slice(1) : operands
}

function asksForHelp(args: readonly string[]): boolean {
  return args.some((arg) => arg === '--help' || arg === '-h' || arg === 'help')
}

/** `error: unknown command 'statsu'` and the like, as an error of our table. */
function usageError(thrown: CommanderError, { path, unknown }: Asked): PlexiError {
  const usage = (reason: string): PlexiError => new PlexiError('VALIDATION_USAGE', { reason }, { cause: thrown })
  // The command that runs without a name would complain of an argument instead.
  if (unknown !== undefined && (HELP_CODES.has(thrown.code) || thrown.code === 'commander.excessArguments'))
    return usage(`unknown command '${[...path, unknown].join(' ')}'`)
  if (HELP_CODES.has(thrown.code)) return usage('this needs a subcommand')
  const [first = '', ...rest] = thrown.message.replace(/^error: /, '').split('\n')
  const hint = rest.join(' ').trim()
  return usage(hint === '' ? first : `${first} ${hint}`)
}

/** The options that decide how an error is printed, when the command line itself could not be parsed. */
function roughOptions(args: readonly string[]) {
  const end = args.indexOf('--')
  const seen = end < 0 ? args : args.slice(0, end)
  const verbose = seen.filter((arg) => arg === '-v' || arg === '--verbose').length
  const at = seen.indexOf('--home')
  const home = at < 0 ? seen.find((arg) => arg.startsWith('--home='))?.slice('--home='.length) : seen[at + 1]
  return globalOptions({ json: seen.includes('--json'), color: !seen.includes('--no-color'), verbose, home })
}
