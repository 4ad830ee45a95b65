/** `completion`: a script for bash, zsh or fish, generated from the commands themselves. */
import { Argument, Command } from 'commander'
import type { Cli } from '../cli.ts'

interface Node {
  readonly path: string
  readonly words: { readonly word: string; readonly about: string }[]
}

export function build(cli: Cli): Command {
  return new Command('completion').addArgument(new Argument('<shell>').choices(['bash', 'zsh', 'fish'])).action(
    cli.action(async (session, shell: string) => {
      const nodes = nodesOf(await cli.wholeProgram(), '')
      const script = shell === 'fish' ? fish(nodes) : shell === 'zsh' ? zsh(nodes) : bash(nodes)
      session.out.document({ shell, script }, () => script)
    }),
  )
}

/** Every command with what may follow it: subcommands and long options. */
function nodesOf(command: Command, path: string): Node[] {
  const subs = command.commands.map((sub) => ({ word: sub.name(), about: sub.description() }))
  const options = command.options
    .filter((option) => !option.hidden && option.long !== undefined)
    .map((option) => ({ word: option.long ?? '', about: option.description }))
  const below = command.commands.flatMap((sub) => nodesOf(sub, `${path} ${sub.name()}`.trim()))
  return [{ path, words: [...subs, ...options] }, ...below]
}

function bash(nodes: readonly Node[]): string {
  const cases = nodes.map(({ path, words }) => `    "${path}") words="${words.map(({ word }) => word).join(' ')}" ;;`)
  return `# plexichat completion for bash: source <(plexichat completion bash)
_plexichat() {
  local cur path="" word words="" i
  cur="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case "$word" in -*) ;; *) case " ${commandPaths(nodes)} " in *" \${path:+\${path}_}$word "*) path="\${path:+\${path}_}$word" ;; esac ;; esac
  done
  case "\${path//_/ }" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _plexichat plexichat`
}

/** zsh runs the same function through its bash compatibility. */
function zsh(nodes: readonly Node[]): string {
  return `#compdef plexichat
# plexichat completion for zsh: source <(plexichat completion zsh)
autoload -U +X bashcompinit && bashcompinit
${bash(nodes)}`
}

function fish(nodes: readonly Node[]): string {
  const lines = nodes.flatMap(({ path, words }) =>
    words.map(({ word, about }) => {
      const where =
        path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1) ?? ''}`
      const what = word.startsWith('--') ? `-l ${word.slice(2)}` : `-f -a ${word}`
      const condition = path === '' && word.startsWith('--') ? '' : ` -n '${where}'`
      return `complete -c plexichat${condition} ${what} -d '${about.replaceAll("'", '')}'`
    }),
  )
  return ['# plexichat completion for fish: plexichat completion fish | source', ...lines].join('\n')
}

function commandPaths(nodes: readonly Node[]): string {
  return nodes
    .map(({ path }) => path.replaceAll(' ', '_'))
    .filter((path) => path !== '')
    .join(' ')
}
