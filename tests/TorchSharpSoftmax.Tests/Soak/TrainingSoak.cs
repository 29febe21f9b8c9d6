using System.Diagnostics;

namespace TorchSharpSoftmax.Tests;

/// <summary>Training steps of a model that uses every operator, while another thread collects: no crash, and nothing grows.</summary>
internal static class TrainingSoak
{
    /// <summary>What the heap may differ by between two looks at it.</summary>
    private const double Tolerated = 8;

    /// <summary>Whether memory stayed where it was after warming up, and losses numbers.</summary>
    internal static bool Run(int seed, int steps)
    {
        if (steps == 0)
        {
            return true;
        }

        SoakCommand.Say($"training: seed {seed}, {steps} steps");
        using var model = new EveryOperatorModel(seed);
        var watch = Stopwatch.StartNew();
        int interval = Math.Max(1, steps / 10);
        (int Nodes, long Tensors, double MiB) warm = default, now = default;
        double loss = 0;
        using (Live.CollectMeanwhile())
        {
            // every parameter has its optimizer's state after one cycle, and the collector's heap its size after some
            for (int step = 0; step < EveryOperatorModel.Cycle; step++)
            {
                loss = model.Step(step);
            }

            for (int step = 1; step <= steps && double.IsFinite(loss); step++)
            {
                loss = 0.99 * loss + 0.01 * model.Step(step);
                if (step % interval == 0)
                {
                    now = Live.Settled();
                    warm = warm == default ? now : warm;
                    SoakCommand.Say($"  {step} steps, loss {loss:0.000}, {now.MiB:0.0} MiB resident, {now.Nodes} nodes, {now.Tensors} tensors, {step / watch.Elapsed.TotalSeconds:0} a second");
                }
            }
        }

        bool flat = double.IsFinite(loss) && (now.Nodes, now.Tensors) == (warm.Nodes, warm.Tensors) && now.MiB <= warm.MiB + Tolerated;
        SoakCommand.Say($"training: {steps} steps in {watch.Elapsed.TotalSeconds:0} s, {warm.MiB:0.0} MiB after a tenth of them, {now.MiB:0.0} MiB at the end{(flat ? "" : ": NOT FLAT")}");
        return flat;
    }
}
