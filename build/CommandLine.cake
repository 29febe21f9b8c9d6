// The command line. Cake ignores what it does not know and runs its default task, so the arguments are checked here, before any task runs.

sealed class CommandLine
{
    public static readonly string[] Tasks = { "Setup", "Build", "Test", "Soak", "Bench", "Pack", "Docs", "Grokking", "LanguageModel", "MoeGating" };
    static readonly string[] TasksThatPassArgumentsOn = { "Test", "Soak", "Bench", "Grokking", "LanguageModel", "MoeGating" };
    static readonly string[] Options = { "target", "torchsharp", "help" };
    static readonly string[] Sources = { "package", "native" };

    const string Usage = """
        usage: ./build.sh [--target=TASK] [--torchsharp=package|native] [-- ARGUMENTS]

          --target=TASK   one of
              Grokking    set up, then train the grokking example (the default); ARGUMENTS go to it, try `./build.sh -- --help`
              LanguageModel
                          set up, then train a small GPT on WordNet's definitions, with linear_cross_entropy and without; ARGUMENTS go to it
              MoeGating   set up, then compare gates of mixtures of experts; ARGUMENTS go to it, such as digits or gaussian for a half of it
              Test        set up, build, check the format, run all tests at every instruction width; ARGUMENTS go to the test runners
              Soak        set up, then 100,000 random cases over all operators and 60,000 training steps of a model that uses them all, some minutes
                          each; ARGUMENTS: --cases N, --steps N, --seed N, and --first N to repeat one case
              Bench       set up, then run the benchmarks per width and number of threads, and renew the README's summary, docs/benchmarks.md and its
                          picture: about an hour on two cores that do nothing else, softmax and linear-cross-entropy some 20 minutes each, any
                          other operator less than 10. ARGUMENTS: operators by name, such as `-- stablemax perp-grad` (all without one; a wrong
                          name lists them), then one of
                              --compare      the gate: 3 rounds, about half an hour for all; lists ratios that are less than those committed for this
                                             processor by more than noise explains, measures them again first, and ends with 1 if there are any
                              --pages        alone: no measurement, only the pages and the picture, from the committed results
                          or, also behind --compare, what goes to the benchmarks, such as --rounds 1 or --filter '*Forward*' (results then in
                          artifacts/benchmarks and no page changes; --compare keeps none)
              Pack        build the two packages into artifacts/
              Docs        the pages under docs/ and the API reference as a site, in artifacts/docs
              Build       set up, then build everything
              Setup       find out where TorchSharp comes from and install what is missing; says what it did
          --torchsharp=package|native
                          where TorchSharp comes from: NuGet, or native/TorchSharp over the system's libtorch. Without it Setup tries
                          `package` first, falls back to `native`, and remembers the answer in TorchSharpFrom.props
          --help          this text

        Cake's own options (--verbosity, --tree, ...) are not taken. Exit codes: 0 success, 1 something failed, 2 a wrong argument or a
        missing prerequisite; an example's own exit code is passed on.
        """;

    public string Target { get; private set; } = "Grokking";
    public string TorchSharp { get; private set; }
    public string[] PassedOn { get; private set; } = Array.Empty<string>();

    public static CommandLine Read(string[] commandLine)
    {
        var given = OfThisScript(commandLine);
        var end = Array.IndexOf(given, "--");
        var own = end < 0 ? given : given[..end];
        var arguments = new CommandLine { PassedOn = end < 0 ? Array.Empty<string>() : given[(end + 1)..] };
        var seen = new HashSet<string>();
        for (var i = 0; i < own.Length; i++)
        {
            var (name, value) = Split(own[i]);
            if (!seen.Add(name))
                Refuse($"'--{name}' is given twice; give it once.");
            if (name == "help")
            {
                Console.WriteLine(Usage);
                Environment.Exit(0);
            }
            if (value == null && ++i < own.Length)
                value = own[i];
            if (string.IsNullOrEmpty(value))
                Refuse($"'--{name}' has no value; write --{name}={string.Join('|', name == "target" ? Tasks : Sources)}.");
            if (name == "target")
                arguments.Target = OneOf(Tasks, value) ?? Unknown($"'--target={value}': there is no task '{value}'", value, Tasks);
            else
                arguments.TorchSharp = OneOf(Sources, value) ?? Unknown($"'--torchsharp={value}': '{value}' is no source", value, Sources);
        }
        if (arguments.PassedOn.Length > 0 && !TasksThatPassArgumentsOn.Contains(arguments.Target))
            Refuse($"'{arguments.PassedOn[0]}' after '--': task '{arguments.Target}' takes no arguments; {string.Join(", ", TasksThatPassArgumentsOn)} do.");
        if (arguments.Target is "Pack" or "Docs" && arguments.TorchSharp != null)
            Refuse($"'--torchsharp={arguments.TorchSharp}': task '{arguments.Target}' always compiles against native/TorchSharp; leave the argument out.");
        return arguments;
    }

    public static void Refuse(string message)
    {
        Console.Error.WriteLine("error: " + message);
        Environment.Exit(2);
    }

    // build.sh puts a colon before each argument: Cake's own parser reads even what stands behind `--`, and refuses names of one letter there.
    static string[] OfThisScript(string[] commandLine)
    {
        var given = commandLine.Skip(1).ToList();
        if (given.Count > 0 && given[0].EndsWith(".cake", StringComparison.Ordinal))
            given.RemoveAt(0);
        return given.Count > 0 && given[0] == "--" ? given.Skip(1).Select(a => a[0] == ':' ? a[1..] : a).ToArray() : given.ToArray();
    }

    static (string Name, string Value) Split(string argument)
    {
        if (argument == "-h")
            return ("help", null);
        var equals = argument.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? argument : argument[..equals];
        if (!name.StartsWith("--", StringComparison.Ordinal))
        {
            if (OneOf(Tasks, name) is { } task)
                Refuse($"'{argument}' is no argument; did you mean --target={task}?");
            Unknown($"'{argument}' is no argument", name.TrimStart('-'), Options, "--");
        }
        var known = OneOf(Options, name[2..]) ?? Unknown($"'{name}' is no argument", name[2..], Options, "--");
        return (known, equals < 0 ? null : argument[(equals + 1)..]);
    }

    static string OneOf(string[] names, string given) => names.FirstOrDefault(n => n.Equals(given, StringComparison.OrdinalIgnoreCase));

    static string Unknown(string what, string given, string[] valid, string prefix = "")
    {
        var near = valid.Where(v => Distance(v.ToLowerInvariant(), given.ToLowerInvariant()) <= 1 + v.Length / 3).ToArray();
        var list = string.Join(", ", valid.Select(v => prefix + v));
        Refuse(near.Length > 0 ? $"{what}; did you mean {string.Join(" or ", near.Select(v => prefix + v))}? Valid: {list}." : $"{what}; valid: {list}.");
        return null;
    }

    // Levenshtein's distance, a swap of two neighbours counted as one.
    static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    d[i, j] = i + j;
                    continue;
                }
                d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }
        return d[a.Length, b.Length];
    }
}
