using System.Globalization;
using TorchSharp.Modules;
using TorchSharpSoftmax;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>
/// One row of metrics.csv: the model after that many steps. Accuracies and fractions are shares of 1, losses means in nats (of test: in float64),
/// the norm that of all weights together. What is said of the training samples comes from the training pass itself.
/// </summary>
internal sealed record Metrics(
    int Epoch, double TrainLoss, double TestLoss, double TrainAccuracy, double TestAccuracy,
    double CollapseFraction, double ZeroLossFraction, double WeightNorm, double Seconds)
{
    /// <summary>What the display shows.</summary>
    public string Describe() => string.Create(CultureInfo.InvariantCulture,
        $"train {TrainAccuracy,7:P2}  test {TestAccuracy,7:P2}  loss {TrainLoss:0.0000} / {TestLoss:0.0000}");

    public static Metrics Measure(
        int epoch, Experiment e, Module<Tensor, Tensor> model, Tasks data, Tensor logits, Tensor losses, Score test, double seconds)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return new Metrics(
            epoch, Losses.Mean(losses).to_type(ScalarType.Float64).item<double>(), test.Loss,
            Score.ShareRight(logits, data.TrainTarget), test.Accuracy,
            nn.utils.softmax_collapse_fraction(logits, e.Dtype), nn.utils.zero_loss_fraction(losses),
            Math.Sqrt(model.parameters().Sum(SquaredNorm)), seconds);
    }

    public static double SquaredNorm(Tensor weight)
    {
        using var scope = NewDisposeScope();
        return weight.detach().to_type(ScalarType.Float64).square().sum().item<double>();
    }
}

/// <summary>Mean loss and accuracy.</summary>
internal readonly record struct Score(double Loss, double Accuracy)
{
    /// <summary>The test samples, dropout off.</summary>
    public static Score OfTest(Experiment e, Module<Tensor, Tensor> model, Tasks data)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        model.eval();
        Tensor logits = model.call(data.TestInput);
        model.train();
        Tensor losses = Losses.PerSample(e.Loss, logits, data.TestTarget, ScalarType.Float64);
        return new(losses.mean().item<double>(), ShareRight(logits, data.TestTarget));
    }

    /// <summary>A count over a whole number: a float mean of an all-correct batch need not be exactly 1.</summary>
    public static double ShareRight(Tensor logits, Tensor target)
    {
        using var scope = NewDisposeScope();
        return (double)logits.argmax(1).eq(target).sum().item<long>() / target.size(0);
    }
}

/// <summary>One row of layers.csv: a tensor's norm, and the cosine between it and minus its gradient, near 1 where the loss falls by mere growth.</summary>
internal sealed record LayerMetrics(int Epoch, string Layer, double Norm, double Cosine)
{
    /// <summary>Of all tensors, after the backward pass and before an optimizer changes the gradients.</summary>
    public static IEnumerable<LayerMetrics> Measure(int epoch, Module<Tensor, Tensor> model)
    {
        (string Name, Parameter Weight)[] layers = [.. model.named_parameters()];
        return nn.utils.naive_loss_minimization_cosine(layers).Zip(layers, (cosine, layer) =>
            new LayerMetrics(epoch, layer.Name, Math.Sqrt(Metrics.SquaredNorm(layer.Weight)), cosine.cosine));
    }
}
