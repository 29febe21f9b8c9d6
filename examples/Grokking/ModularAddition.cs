using TorchSharp;
using static TorchSharp.torch;

namespace Grokking;

/// <summary>All p*p pairs (a, b) as two-hot rows of 2p, with (a + b) mod p as their class, split at random into train and test.</summary>
internal sealed class ModularAddition
{
    public ModularAddition(int p, double trainFraction)
    {
        int pairs = p * p;
        int train = (int)(pairs * trainFraction);
        if (train == 0 || train == pairs)
        {
            throw new ArgumentException(
                $"'--train-fraction' leaves {train} of {pairs} pairs to train on; at least one pair to train on and one to test on are required.");
        }

        using var scope = NewDisposeScope();
        Tensor order = randperm(pairs, dtype: ScalarType.Int64);
        Tensor a = order.div(p, RoundingMode.floor).to(ScalarType.Int64);
        Tensor b = order.remainder(p);
        Tensor rows = cat([nn.functional.one_hot(a, p), nn.functional.one_hot(b, p)], 1).to(ScalarType.Float32);
        Tensor classes = (a + b).remainder(p);

        TrainInput = rows.narrow(0, 0, train).contiguous().DetachFromDisposeScope();
        TrainTarget = classes.narrow(0, 0, train).contiguous().DetachFromDisposeScope();
        TestInput = rows.narrow(0, train, pairs - train).contiguous().DetachFromDisposeScope();
        TestTarget = classes.narrow(0, train, pairs - train).contiguous().DetachFromDisposeScope();
    }

    public Tensor TrainInput { get; }

    public Tensor TrainTarget { get; }

    public Tensor TestInput { get; }

    public Tensor TestTarget { get; }
}
