using MoeGating;
using TorchSharpSoftmax.Examples;

try
{
    return Cli.Run(Options.Command(Run), args);
}
catch (Exception e) when (e is ArgumentException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return Cli.BadUsage;
}

// Digits, then Gaussian experts, or one of them; each reports when it is done.
static int Run(Options options)
{
    Cli.CreateFolder("--out", options.Out);
    var digits = new DigitsStudy(options);
    var gaussian = new GaussianStudy(options);
    if (options.Resume && !(options.Digits && Output.HasResults(digits.Folder)) && !(options.Gaussian && Output.HasResults(gaussian.Folder)))
    {
        throw new ArgumentException($"'--resume' finds no results in '{options.Out}'; a folder ('--out') with an earlier run is required.");
    }

    // Both are asked before anything runs: each may refuse.
    if (options.Digits)
    {
        digits.Prepare();
    }

    if (options.Gaussian)
    {
        gaussian.Prepare();
    }

    using var interrupt = new Interrupt();
    if (options.Digits)
    {
        Console.WriteLine("Conflicting digits: the same pictures of digits have other names in each of four domains; eight small experts share them out.");
        Console.WriteLine("(a minute and a half with one thread; Ctrl-C stops, '--resume' keeps the networks that are finished)");
        digits.Run(interrupt);
        DigitsReport.Print(digits);
    }

    if (options.Gaussian && !interrupt.Requested)
    {
        Console.WriteLine("Gaussian experts: maximum likelihood of a mixture's parameters, with more and more observations.");
        Console.WriteLine("(a minute and a half with one thread; Ctrl-C stops after the estimate, '--resume' keeps those that are there)");
        gaussian.Run(interrupt);
        GaussianReport.Print(gaussian);
    }

    if (interrupt.Requested)
    {
        Console.WriteLine("Stopped; '--resume' continues.");
        return Interrupt.ExitCode;
    }

    return 0;
}
