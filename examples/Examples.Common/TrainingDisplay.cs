using Spectre.Console;
using Spectre.Console.Rendering;

namespace TorchSharpSoftmax.Examples;

/// <summary>A live progress bar with the latest metrics on a terminal; a line per logged epoch where the output is a file or a pipe.</summary>
public static class TrainingDisplay
{
    /// <param name="epochs">Where the bar ends.</param>
    /// <param name="done">Epochs that are already behind (a resumed run).</param>
    /// <param name="train">The training loop; it tells its epoch, and a text when it has new metrics.</param>
    public static void Run(int epochs, int done, Action<Action<int, string?>> train)
    {
        if (!AnsiConsole.Profile.Capabilities.Interactive || Console.IsOutputRedirected)
        {
            train((epoch, text) =>
            {
                if (text is not null)
                {
                    Console.WriteLine($"epoch {epoch,6}  {text}");
                }
            });
            return;
        }

        AnsiConsole.Progress()
            .Columns(new EpochColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new TaskDescriptionColumn())
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

    private sealed class EpochColumn : ProgressColumn
    {
        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
            new Text($"epoch {task.Value:0}/{task.MaxValue:0}");
    }
}
