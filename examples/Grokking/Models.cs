using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Grokking;

/// <summary>The networks: samples in, one logit per class out.</summary>
internal static class Models
{
    public static Module<Tensor, Tensor> Create(Experiment e, Tasks data) =>
        e.Model == ModelName.Transformer ? new Transformer(data.Classes, e.Width, e.Dropout) : Mlp(e, data);

    /// <summary>Two hidden layers; with biases only for parity, where all bits may be zero.</summary>
    private static Module<Tensor, Tensor> Mlp(Experiment e, Tasks data)
    {
        bool bias = e.Task == TaskName.Parity;
        return Sequential(
            ("hidden1", Linear(data.Features, e.Width, bias)), ("relu1", ReLU()),
            ("hidden2", Linear(e.Width, e.Width, bias)), ("relu2", ReLU()),
            ("logits", Linear(e.Width, data.Classes, bias)));
    }
}
