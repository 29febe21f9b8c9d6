using System.Diagnostics;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace TorchSharpSoftmax.Examples;

/// <summary>A live progress bar with the latest metrics on a terminal; in a file or a pipe at most a line a second, and the last.</summary>
public static class TrainingDisplay
{
    /// <param name="epochs">Where the bar ends.</param>
    /// <param name="done">Epochs that are already behind (a resumed run).</param>
    /// <param name="train">The training loop; it tells its epoch, and a text when it has new metrics.</param>
    /// <param name="unit">What is counted, where it is no epoch.</param>
    public static void Run(int epochs, int done, Action<Action<int, string?>> train, string unit = "epoch")
    {
        if (!AnsiConsole.Profile.Capabilities.Ansi || Console.IsOutputRedirected)
        {
            Lines(train, unit);
            return;
        }

        AnsiConsole.Profile.Capabilities.Interactive = true; // a process whose input is another one's has a terminal to draw on all the same
        AnsiConsole.Progress()
            .Columns(new CountColumn(unit), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn())
            .Start(context =>
            {
                ProgressTask task = context.AddTask("starting", maxValue: epochs);
                task.Value = done;
                train((epoch, text) =>
                {
                    task.Value = epoch;
                    if (text is not null)
                    {
                        task.Description = Markup.Escape(text);
                    }
                });
            });
    }

    private static void Lines(Action<Action<int, string?>> train, string unit)
    {
        string? held = null;
        var clock = Stopwatch.StartNew();
        train((epoch, text) =>
        {
            held = text is null ? held : $"{unit} {epoch,6}  {text}";
            if (held is not null && clock.Elapsed.TotalSeconds >= 1)
            {
                Console.WriteLine(held);
                held = null;
                clock.Restart();
            }
        });
        if (held is not null)
        {
            Console.WriteLine(held);
        }
    }

    private sealed class CountColumn(string unit) : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text($"{unit} {task.Value:0}/{task.MaxValue:0}");
    }
}
