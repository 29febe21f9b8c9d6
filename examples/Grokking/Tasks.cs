using TorchSharp;
using static TorchSharp.torch;

namespace Grokking;

/// <summary>The samples of a task, split at random into those to train on and those to test on.</summary>
internal sealed record Tasks(Tensor TrainInput, Tensor TrainTarget, Tensor TestInput, Tensor TestTarget, int Features, int Classes) : IDisposable
{
    public static Tasks Create(Experiment e)
    {
        using var scope = NewDisposeScope();
        (Tensor input, Tensor target, int features, int classes) = e.Task == TaskName.Parity ? Parity(e) : Arithmetic(e);
        long samples = target.size(0);
        long train = (long)(samples * e.TrainFraction);
        if (train == 0 || train == samples)
        {
            throw new ArgumentException(
                $"'--train-fraction' leaves {train} of {samples} samples to train on; at least one to train on and one to test on are required.");
        }

        Tensor order = randperm(samples, dtype: ScalarType.Int64);
        Tensor seen = order.narrow(0, 0, train);
        Tensor unseen = order.narrow(0, train, samples - train);
        return new Tasks(
            input.index_select(0, seen).DetachFromDisposeScope(), target.index_select(0, seen).DetachFromDisposeScope(),
            input.index_select(0, unseen).DetachFromDisposeScope(), target.index_select(0, unseen).DetachFromDisposeScope(), features, classes);
    }

    public void Dispose() => Array.ForEach([TrainInput, TrainTarget, TestInput, TestTarget], t => t.Dispose());

    /// <summary>All p*p pairs (a, b): as two tokens for the transformer, as two-hot rows of 2p for the network without an embedding.</summary>
    private static (Tensor Input, Tensor Target, int Features, int Classes) Arithmetic(Experiment e)
    {
        Tensor pairs = arange(e.P * e.P, dtype: ScalarType.Int64);
        Tensor a = pairs.div(e.P, RoundingMode.floor).to(ScalarType.Int64);
        Tensor b = pairs.remainder(e.P);
        Tensor result = e.Task switch { TaskName.Add => a + b, TaskName.Sub => a - b, _ => a * b };
        Tensor input = e.Model == ModelName.Transformer
            ? stack([a, b], 1)
            : cat([nn.functional.one_hot(a, e.P), nn.functional.one_hot(b, e.P)], 1).to(ScalarType.Float32);
        return (input, result.remainder(e.P), 2 * e.P, e.P);
    }

    /// <summary>Random bits, of which only the first few decide: their sum modulo two.</summary>
    private static (Tensor Input, Tensor Target, int Features, int Classes) Parity(Experiment e)
    {
        Tensor bits = randint(0, 2, [e.Samples, e.ParityBits + e.NoiseBits], dtype: ScalarType.Int64);
        return (bits.to(ScalarType.Float32), bits.narrow(1, 0, e.ParityBits).sum(1).remainder(2), e.ParityBits + e.NoiseBits, 2);
    }
}
