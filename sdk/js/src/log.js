// In Node, where authors test, lines go to the console; in the component the glue connects the host's log.
let write = (level, message) => console[level](message);

/** Used by the generated entry. */
export function connectLog(sink) {
  write = sink;
}

function line(level) {
  return (message, fields) => {
    write(level, fields === undefined ? String(message) : `${message} ${JSON.stringify(fields)}`);
  };
}

export const log = { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
