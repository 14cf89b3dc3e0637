# What jq has and jaq's library lacks or does otherwise. Stands after jaq's own, of which those that are defined here are
# dropped; so what used a dropped one is defined here again.
def join($s): reduce .[] as $x (null;
  (if . == null then "" else . + $s end) + ($x | if . == null then "" elif type == "string" then . else tojson end)) // "";
def ltrimstr($x): if isstring and ($x | isstring) then __ltrimstr($x) else . end;
def rtrimstr($x): if isstring and ($x | isstring) then __rtrimstr($x) else . end;
def trimstr($x): ltrimstr($x) | rtrimstr($x);
def indices($i): if . == null then null else __indices($i) end;
def index($i): if . == null then null else __indices($i)[0] end;
def rindex($i): if . == null then null else __indices($i)[-1] end;
def capture_of_match: [.[] | select(.name) | { (.name): .string }] | add + {};
def scan_(re; flags): matches(re; flags)[] | [.[].string] | if length > 1 then .[1:] else .[0] end;
def scan(re; flags): scan_(re; "g" + flags);
def scan(re): scan(re; "");
def match(re; flags): matches(re; flags)[] | .[0] + { captures: .[1:] };
def match(re): match(re; null);
def capture(re; flags): matches(re; flags)[] | capture_of_match;
def capture(re): capture(re; null);
def sub(re; f; flags):
  def handle: if isarray then capture_of_match | f else . end;
  reduce split_matches(re; flags)[] as $x (""; . + ($x | handle));
def sub(re; f): sub(re; f; "");
def gsub(re; f; flags): sub(re; f; "g" + flags);
def gsub(re; f): sub(re; f; "g");
def env: {};
def input: error("no more inputs");
def inputs: empty;
def input_line_number: 0;
def input_filename: null;
def localtime: gmtime;
def strflocaltime($f): strftime($f);
def date: todate;
def dateadd(u; $n): . + $n;
def datesub(u; $n): . - $n;
def toarray: if isarray then . else [.] end;
def ascii: [.] | implode;
def leaf_paths: paths(scalars);
def have_decnum: false;
def have_literal_numbers: true;
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def __csv: if isnumber or isboolean then tojson elif . == null then "" elif isstring then "\"" + gsub("\""; "\"\"") + "\""
  else error("an array or object cannot be a field of @csv") end;
def __tsv: if isnumber or isboolean then tojson elif . == null then ""
  elif isstring then gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r")
  else error("an array or object cannot be a field of @tsv") end;
def @csv: [.[] | __csv] | join(",");
def @tsv: [.[] | __tsv] | join("\t");
def @sh: [if isarray then .[] else . end | if isstring then "'\(escape_sh)'" else "\(.)" end] | join(" ");
