using TorchSharp;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace MoeGating;

/// <summary>What is measured between two rows of metrics.</summary>
internal sealed class DigitsWindow(Module<Tensor, Tensor> model, Router? router, DigitsData data)
{
    private readonly double[] _counts = new double[DigitGate.Experts];
    private double _loss;
    private long _right, _pictures;
    private double? _entropy, _temperature, _balance, _z, _gradient;

    /// <summary>A step's batch.</summary>
    public void Add(Tensor loss, Tensor logits, Tensor target, RoutingOutputs? routing)
    {
        long pictures = target.size(0);
        _loss += pictures * loss.item<float>();
        _right += logits.argmax(1).eq(target).sum().item<long>();
        _pictures += pictures;
        if (routing is not null)
        {
            using var counts = routing.counts.data<long>();
            int expert = 0;
            foreach (long count in counts)
            {
                _counts[expert++] += count;
            }
        }
    }

    /// <summary>What is said of one step, after its backward pass; the temperature is the one it had.</summary>
    public void Look(bool isLogged, Tensor input, RoutingOutputs? routing)
    {
        if (!isLogged || routing is null)
        {
            return;
        }

        using var _ = no_grad();
        using var scope = NewDisposeScope();
        _entropy = Entropy(router!, input, routing);
        _temperature = router!.Temperature?.Invoke();
        _balance = functional.load_balance_loss_from_counts(routing.counts, routing.mean_probability, alpha: 1).item<float>();
        _z = functional.router_z_loss_from_lse(routing.lse, coefficient: 1).item<float>();
        _gradient = router.Weight.grad is { } gradient ? gradient.to_type(ScalarType.Float64).square().sum().sqrt().item<double>() : 0;
    }

    /// <summary>The row, and a new start.</summary>
    public DigitsRow Row(int step, double seconds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        model.eval();
        double test = ShareRight(DigitsRun.Call(model, data.TestInput).Logits, data.TestTarget);
        model.train();

        Loads? loads = router is null ? null : Loads.Of(_counts);
        double? Load(int expert) => loads?.Shares[expert];
        var row = new DigitsRow(
            step, _loss / _pictures, (double)_right / _pictures, test, loads?.Variation, loads?.Shares.Max(), loads?.Shares.Min(), _entropy, _temperature,
            router is null ? null : _counts.Sum() / _pictures, _balance, _z, _gradient, Load(0), Load(1), Load(2), Load(3), Load(4), Load(5), Load(6), Load(7), seconds);
        Array.Clear(_counts);
        (_loss, _right, _pictures) = (0, 0, 0);
        return row;
    }

    /// <summary>The mean entropy of the experts' probabilities over the largest one possible.</summary>
    public static double Entropy(Router router, Tensor input, RoutingOutputs routing)
    {
        using var scope = NewDisposeScope();
        Tensor p = routing.probabilities ?? router.Probabilities!(input);
        return -p.xlogy(p).sum(1).mean().item<float>() / Math.Log(DigitGate.Experts);
    }

    public static double ShareRight(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        return (double)logits.argmax(1).eq(target).sum().item<long>() / target.size(0);
    }
}
