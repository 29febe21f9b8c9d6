using System.Diagnostics;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharpSoftmax;
using TorchSharpSoftmax.Examples;
using TorchSharpSoftmax.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>How long and on how many pictures a network is trained; everything but gate and seed that decides what it learns.</summary>
internal sealed record DigitsSettings(int Epochs, int LogEvery, int Threads)
{
    public const int TrainPictures = 12_000, TestPictures = 3000, Batch = 128;

    public static int StepsPerEpoch => (TrainPictures + Batch - 1) / Batch;

    public int Steps => Epochs * StepsPerEpoch;
}

/// <summary>One network with one seed: its folder and its training.</summary>
internal sealed class DigitsRun(DigitGate gate, int seed, DigitsSettings settings, string folder)
{
    public const string OutcomeFile = "outcome.csv";

    private const double LearningRate = 3e-3;

    public DigitGate Gate => gate;

    public int Seed => seed;

    public string Folder => Path.Combine(folder, gate.Name, $"seed-{seed}");

    public string MetricsPath => Path.Combine(Folder, "metrics.csv");

    public string OutcomePath => Path.Combine(Folder, OutcomeFile);

    public string DomainsPath => Path.Combine(Folder, "domains.csv");

    public DigitsOutcome? Outcome { get; private set; }

    /// <summary>What an earlier run finished.</summary>
    public void FindOutcome() => Outcome = MetricsFile<DigitsOutcome>.Read(OutcomePath).FirstOrDefault();

    /// <summary>Trains and writes what came of it; where it is interrupted, it leaves no outcome.</summary>
    public void Train(Interrupt interrupt, Action<int, string?> tell)
    {
        Directory.CreateDirectory(Folder);
        using var data = DigitsData.Create(seed, DigitsSettings.TrainPictures, DigitsSettings.TestPictures);
        (Module<Tensor, Tensor> model, Router? router) = gate.Create(settings.Steps);
        using var _ = model;
        using var metrics = new MetricsFile<DigitsRow>(MetricsPath);
        if (Train(model, router, data, metrics.Add, interrupt, tell))
        {
            Finish(model, router, data, metrics.Rows);
        }
    }

    /// <summary>The loop.</summary>
    /// <returns>Whether it came to its end.</returns>
    public bool Train(Module<Tensor, Tensor> model, Router? router, DigitsData data, Action<DigitsRow> log, Interrupt? interrupt, Action<int, string?> tell)
    {
        using Adam optimizer = optim.Adam(model.parameters(), LearningRate);
        var clock = Stopwatch.StartNew();
        var window = new DigitsWindow(model, router, data);
        int step = 0;
        for (int epoch = 0; epoch < settings.Epochs; epoch++)
        {
            long pictures = data.TrainTarget.size(0);
            using Tensor order = randperm(pictures, dtype: ScalarType.Int64);
            for (long at = 0; at < pictures; at += DigitsSettings.Batch)
            {
                if (interrupt is { Requested: true })
                {
                    return false;
                }

                using var scope = NewDisposeScope();
                Tensor batch = order.narrow(0, at, Math.Min(DigitsSettings.Batch, pictures - at));
                (Tensor input, Tensor target) = (data.TrainInput.index_select(0, batch), data.TrainTarget.index_select(0, batch));
                (Tensor logits, RoutingOutputs? routing) = Call(model, input);
                Tensor loss = functional.cross_entropy(logits, target);
                Tensor? beside = routing is null ? null : router!.Loss?.Invoke(routing);
                optimizer.zero_grad();
                (beside is null ? loss : loss + beside).backward();
                window.Add(loss, logits, target, routing);
                step++;
                bool logs = step % settings.LogEvery == 0 || step == settings.Steps;
                window.Look(logs, input, routing);
                optimizer.step();
                if (routing is not null)
                {
                    router!.AfterStep(routing);
                }

                if (logs)
                {
                    DigitsRow row = window.Row(step, clock.Elapsed.TotalSeconds);
                    log(row);
                    tell(step, row.Describe());
                }
            }
        }

        return true;
    }

    /// <summary>The network's logits, with what its gate said.</summary>
    public static (Tensor Logits, RoutingOutputs? Routing) Call(Module<Tensor, Tensor> model, Tensor input)
    {
        if (model is not MoE mixture)
        {
            return (model.call(input), null);
        }

        MoEOutputs outputs = mixture.route(input);
        return (outputs.output, outputs.routing);
    }

    private void Finish(Module<Tensor, Tensor> model, Router? router, DigitsData data, IReadOnlyList<DigitsRow> rows)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        model.eval();
        (Tensor logits, RoutingOutputs? routing) = Call(model, data.TestInput);
        double accuracy = DigitsWindow.ShareRight(logits, data.TestTarget);
        Loads? loads = null;
        using var domains = new MetricsFile<DomainRow>(DomainsPath);
        if (routing is not null)
        {
            loads = Loads.Of(routing.counts.data<long>().Select(c => (double)c));
            domains.AddRange(Shares(routing, data));
        }

        Outcome = new(
            gate.Name, seed, settings.Steps, accuracy, loads?.Shares.Max(), loads?.Shares.Min(), loads?.Variation,
            routing is null ? null : DigitsWindow.Entropy(router!, data.TestInput, routing), rows.Max(r => r.GateGradient), rows[^1].Seconds);
        using var outcome = new MetricsFile<DigitsOutcome>(OutcomePath);
        outcome.Add(Outcome);
    }

    private static IEnumerable<DomainRow> Shares(RoutingOutputs routing, DigitsData data)
    {
        for (int domain = 0; domain < DigitsData.Domains; domain++)
        {
            using Tensor chosen = routing.indices[data.TestDomain.eq(domain)].reshape(-1);
            long[] experts = [.. chosen.data<long>().Where(e => e >= 0)];
            for (int expert = 0; expert < DigitGate.Experts; expert++)
            {
                yield return new(domain, expert, (double)experts.Count(e => e == expert) / experts.Length);
            }
        }
    }
}
